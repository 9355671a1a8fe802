//! Tests of this program, run as an ordinary user. Needs root, to become that user, and a kernel that
//! allows user namespaces.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::harness::folder;

const NOBODY: u32 = 65534;

/// Guard that lets everyone open `/dev/fuse`, as most distributions do, until it is dropped.
struct OpenFuse(Permissions);

impl OpenFuse {
    fn new() -> Self {
        let before = fs::metadata("/dev/fuse").unwrap().permissions();
        fs::set_permissions("/dev/fuse", Permissions::from_mode(0o666)).unwrap();
        Self(before)
    }
}

impl Drop for OpenFuse {
    fn drop(&mut self) {
        fs::set_permissions("/dev/fuse", self.0.clone()).unwrap();
    }
}

fn as_nobody(arguments: &[&str]) -> (bool, String) {
    let (_guard, path) = folder();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    // Where this user may execute it, wherever it was built.
    let program = path.join("it");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let temporary = path.join("tmp");
    fs::create_dir(&temporary).unwrap();
    chown(&temporary, Some(NOBODY), Some(NOBODY)).unwrap();
    let output = Command::new(program)
        .args(arguments)
        .env("TMPDIR", temporary)
        .envs([("HOME", "/"), ("PATH", "/usr/bin:/bin")])
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.success(), text.concat())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
fn everything_works_as_an_ordinary_user() {
    if !is_root() {
        return; // This is the ordinary user's run.
    }
    let _open = OpenFuse::new();
    let (good, text) = as_nobody(&["--skip", "far_beyond"]);
    assert!(good, "{text}");
    assert!(
        text.contains("a_missing_folder_of_the_root_is_made_in_a_new_root ... ok"),
        "{text}"
    );
}
