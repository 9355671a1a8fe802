//! rsync, in both directions.

use std::path::Path;

use super::tar::{assert_same, description, original};
use crate::place::Place;
use crate::run::sh;

/// Copies a tree and returns the reported changes.
fn sync(from: &Path, to: &Path, options: &str) -> String {
    let script = format!(
        "rsync -ai --modify-window=-1 {options} {}/tree/ {}/tree/",
        from.display(),
        to.display()
    );
    sh(to, &script)
}

#[test]
fn a_second_run_has_nothing_to_do() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let before = description(local.path());
    let place = Place::new();
    assert_ne!(sync(local.path(), place.path(), ""), "");
    assert_same(&description(place.path()), &before);
    assert_eq!(sync(local.path(), place.path(), ""), "");
    let place = place.check_fresh();
    assert_eq!(sync(local.path(), place.path(), ""), "", "on a fresh mount");
    assert_eq!(sync(local.path(), place.path(), "--checksum"), "");
    // And back.
    let back = tempfile::tempdir().unwrap();
    sync(place.path(), back.path(), "");
    assert_same(&description(back.path()), &before);
}

#[test]
fn only_what_changed_is_copied_and_what_is_gone_is_deleted() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let place = Place::new();
    sync(local.path(), place.path(), "");
    let place = place.fresh();
    sh(
        local.path(),
        "echo changed > tree/deep/1; rm tree/deep/2; chmod 711 tree/run; touch -d 2002-02-02 tree/deep/3
         printf x | dd of=tree/large bs=1 seek=5000000 conv=notrunc 2>/dev/null; mkdir tree/new
         ln -sf deep/8 tree/link",
    );
    let before = description(local.path());
    let said = sync(
        local.path(),
        place.path(),
        "--delete --inplace --no-whole-file",
    );
    let lines = said.lines().filter(|line| !line.starts_with(".d")).count();
    assert_eq!(lines, 7, "{said}");
    assert_same(&description(place.path()), &before);
    let fresh = place.check_fresh();
    assert_eq!(sync(local.path(), fresh.path(), "--delete"), "");
}

#[test]
fn a_copy_is_taken_up_where_it_broke() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let place = Place::new();
    sh(
        place.path(),
        &format!(
            "mkdir tree; head -c 4000000 {}/tree/large > tree/large",
            local.path().display()
        ),
    );
    sync(local.path(), place.path(), "--append-verify --partial");
    let before = description(local.path());
    assert_same(&description(place.path()), &before);
    let fresh = place.check_fresh();
    assert_same(&description(fresh.path()), &before);
}
