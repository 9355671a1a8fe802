//! Tests of this program, run as an ordinary user. Needs root, to become that user, and a kernel that
//! allows user namespaces.

use std::process::Command;

use stub_test_support::{Clean, as_nobody, copied, is_root};

use crate::act::output;

#[test]
fn everything_works_as_an_ordinary_user() {
    if !is_root() {
        return; // This is the ordinary user's run.
    }
    let _clean = Clean::start();
    let (_folder, program) = copied(&std::env::current_exe().unwrap());
    let mut command = Command::new(program);
    // The examples are where this user has no business; the largest value needs the memory of a machine.
    let skipped = [
        "examples::",
        "command_line::",
        "seeing::",
        "a_quarter_of_a_gigabyte",
    ];
    command.args(skipped.iter().flat_map(|name| ["--skip", name]));
    let (good, text) = output(&mut as_nobody(&command));
    assert!(good, "{text}");
    assert!(
        text.contains("missing_folders_are_made_for_the_call_alone ... ok"),
        "{text}"
    );
}
