//! Editors, each with its own way of saving.

use crate::place::Place;
use crate::run::sh;

/// Runs an editor's command on a text of some lines, which must change one line.
fn edit(prepare: &str, command: &str) {
    let place = Place::new();
    sh(
        place.path(),
        &format!("seq 1000 > text; chmod 640 text; {prepare}"),
    );
    let place = place.fresh();
    let check = "seq 1000 | sed s/^500$/changed/ | diff - text; stat -c %a text";
    assert_eq!(
        sh(place.path(), &format!("{command}\n{check}")),
        "640",
        "{command}"
    );
    let fresh = place.check_fresh();
    assert_eq!(sh(fresh.path(), check), "640", "{command}");
    // Once more, on a fresh mount and back.
    sh(
        fresh.path(),
        "sed -i s/^changed$/500/ text; seq 1000 | cmp - text",
    );
}

#[test]
fn sed_replaces_the_file() {
    edit(":", "sed -i s/^500$/changed/ text");
}

#[test]
fn sed_keeps_a_backup() {
    edit(
        ":",
        "sed -i.bak s/^500$/changed/ text; seq 1000 | cmp - text.bak",
    );
}

#[test]
fn perl_edits_in_place() {
    edit(":", "perl -pi -e 's/^500$/changed/' text");
}

#[test]
fn ed_writes_over_the_file() {
    edit(":", "printf '500s/.*/changed/\\nw\\nq\\n' | ed -s text");
}

#[test]
fn vi_writes_over_the_file() {
    edit(
        ":",
        "vi -u NONE -N -es -c 'set backupcopy=yes' -c '500s/.*/changed/' -c 'wq' text; ls -A | grep -qx text",
    );
}

#[test]
fn vi_renames_the_old_file_and_keeps_it() {
    edit(
        ":",
        "vi -u NONE -N -es -c 'set backup backupskip= backupcopy=no backupdir=. writebackup' \\
            -c '500s/.*/changed/' -c 'wq' text; seq 1000 | cmp - text~",
    );
}

#[test]
fn vi_recovers_what_was_not_saved() {
    let place = Place::new();
    sh(
        place.path(),
        "seq 1000 > text
         vi -u NONE -N -es -c 'set directory=.' -c '500s/.*/changed/' -c 'preserve' \\
            -c '!cp .text.swp kept' -c 'q!' text < /dev/null || true
         mv kept .text.swp
         vi -u NONE -N -es -c 'set directory=.' -c 'recover' -c 'w! text.recovered' -c 'q!' text || true
         seq 1000 | sed s/^500$/changed/ | diff - text.recovered",
    );
    place.check_fresh();
}

#[test]
fn an_editor_writes_a_lock_and_a_temporary_file() {
    // As Emacs and the editors of desktops do.
    edit(
        ":",
        "ln -s me@here.1 .#text; cp -p text .text.tmp; sed s/^500$/changed/ text > .text.tmp
         sync .text.tmp; cp -p text text~; mv -f .text.tmp text; rm .#text; rm text~",
    );
}

#[test]
fn a_patch_is_applied_and_taken_back() {
    let place = Place::new();
    sh(
        place.path(),
        "mkdir a b; seq 1000 > a/text; seq 1000 | sed s/^500$/changed/ > b/text; echo new > b/new
         diff -ruN a b > change.patch || true; cp -r a work; cd work
         patch -sp1 < ../change.patch; diff -r . ../b; patch -sRp1 < ../change.patch; diff -r . ../a
         patch -sbp1 < ../change.patch; cmp text.orig ../a/text",
    );
    let fresh = place.check_fresh();
    sh(fresh.path(), "cmp work/text b/text; cmp work/new b/new");
}
