//! Tests of this program, run as an ordinary user. Needs root, to become that user, and a kernel that
//! allows user namespaces.

use std::fs;
use std::os::unix::fs::chown;
use std::process::Command;

use stub_test_support::{NOBODY, as_nobody, copied, is_root};

#[test]
fn everything_works_as_an_ordinary_user() {
    if !is_root() {
        return; // This is the ordinary user's run.
    }
    let (folder, program) = copied(&std::env::current_exe().unwrap());
    let temporary = folder.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    chown(&temporary, Some(NOBODY), Some(NOBODY)).unwrap();
    let mut command = Command::new(program);
    command
        .args(["--skip", "far_beyond"])
        .env("TMPDIR", temporary)
        .env("PATH", "/usr/bin:/bin");
    let output = as_nobody(&command).output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let text = text.concat();
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("a_missing_folder_of_the_root_is_made_in_a_new_root ... ok"),
        "{text}"
    );
}
