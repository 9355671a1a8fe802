//! Programs in a directory bucket: some of all tests, in each run.

use crate::place::Place;
use crate::programs::{git, sqlite};
use crate::run::sh;

#[test]
fn git_makes_a_history() {
    let place = Place::in_directory_bucket();
    git::make_history(&place);
    git::check_history(&place);
    let place = place.check_fresh();
    git::check_history(&place);
}

#[test]
fn sqlite_keeps_a_journal() {
    let place = Place::in_directory_bucket();
    sqlite::fill(&place, "delete");
    let place = place.check_fresh();
    sqlite::check(&place);
}

#[test]
fn a_folder_of_many_files_is_listed_read_and_removed() {
    let place = Place::in_directory_bucket();
    if let Some(server) = place.server() {
        for number in 0..1500 {
            server.put(place.bucket_name(), &format!("d/file-{number}"), "x\n");
        }
        server.put(place.bucket_name(), "d/sub/file", "x\n");
    }
    let place = place.fresh();
    let said = sh(
        place.path(),
        "ls d | wc -l; find d -type f | wc -l; grep -rl x d | wc -l; mv d/sub/file d/file
         mkdir e; mv d/file-1 d/file-2 e; cp -r e f; diff -r e f; rm -r d; ls",
    );
    let said: Vec<_> = said.lines().collect();
    assert_eq!(said, ["1501", "1501", "1501", "e", "f"]);
    place.check_fresh();
}
