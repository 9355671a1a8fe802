//! Programs on a server that fails all the time: a twentieth of all requests get no answer, an error, or
//! a truncated body. No byte may be wrong and no file lost.

use s3_local::{Chance, Fault};

use crate::place::Place;
use crate::programs::tar::{assert_same, description, original};
use crate::programs::{git, sqlite};
use crate::run::sh;
use crate::seed;

const FAULTS: [Fault; 7] = [
    Fault::SlowDown503,
    Fault::InternalError500,
    Fault::ResetConnection,
    Fault::TruncateBody(0),
    Fault::TruncateBody(100),
    Fault::TruncateBody(5000),
    Fault::TruncateBody(1_000_000),
];

/// Returns a place whose server fails at random, from a new seed that is printed.
#[allow(clippy::print_stdout, reason = "a failure is repeated with the seed")]
fn failing() -> Place {
    let seed = seed::random();
    println!("seed {seed}");
    let place = Place::new();
    if let Some(server) = place.server() {
        server
            .knobs()
            .set_chance(Some(Chance::new(20, seed, FAULTS)));
    }
    place
}

/// Ends the failures, and asserts that there were some.
fn heal(place: &Place) {
    if let Some(server) = place.server() {
        assert!(server.knobs().failed_by_chance() > 0, "nothing has failed");
        server.knobs().set_chance(None);
    }
}

/// Runs a check, again on a fresh mount that fails, and on one that does not.
fn check(place: Place, body: impl Fn(&Place)) {
    body(&place);
    let place = place.check_fresh();
    body(&place);
    heal(&place);
    body(&place.check_fresh());
}

#[test]
fn git_keeps_its_history() {
    let place = failing();
    git::make_history(&place);
    check(place, git::check_history);
}

#[test]
fn databases_keep_their_rows() {
    for journal in ["DELETE", "WAL"] {
        let place = failing();
        sqlite::fill(&place, journal);
        check(place, sqlite::check);
    }
}

#[test]
fn a_tree_comes_out_of_an_archive_as_it_went_in() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let before = description(local.path());
    let place = failing();
    let from = local.path().display();
    sh(
        place.path(),
        &format!("tar --format=posix -C {from} -cf archive.tar tree; tar -xpf archive.tar"),
    );
    check(place, |place| {
        assert_same(&description(place.path()), &before);
        sh(place.path(), "tar --diff -f archive.tar");
    });
}

#[test]
fn files_and_folders_are_made_renamed_changed_and_removed() {
    let place = failing();
    sh(
        place.path(),
        "mkdir -p a/b; seq 3000000 > a/large; for i in $(seq 150); do echo $i > a/b/$i; done
         mv a/b a/c; mv a d; for i in $(seq 50); do rm d/c/$i; done; cp -r d e
         printf hello | dd of=e/large bs=1 seek=9999999 conv=notrunc status=none
         truncate -s 12000000 d/large; ln -s d/large link; rm -r e/c; echo more >> e/large; chmod 600 link",
    );
    check(place, |place| {
        let said = sh(
            place.path(),
            "find . -type f | wc -l; cat d/c/* | sort -n | head -n 1; stat -c '%a %s' d/large; tail -n 1 e/large
             cmp -n 12000000 <(seq 3000000) link; dd if=e/large bs=1 skip=9999999 count=5 status=none",
        );
        assert_eq!(said, "102\n51\n600 12000000\nmore\nhello");
    });
}
