//! Ordinary users: programs of a test as `nobody`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::folders::folder;

/// User ID and group ID of `nobody`.
pub const NOBODY: u32 = 65534;

/// Script that creates a folder for a device.
pub const DEVICE: &str = "mount -t tmpfs stub-it-devices /mnt";

/// Script that replaces the machine's `/dev/fuse` by the device in that folder.
pub const USE_DEVICE: &str = "mount --bind /mnt/fuse /dev/fuse && umount -l /mnt";

/// Returns whether the tests run as root.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Copies a program to a place where every user may execute it.
pub fn copied(program: &Path) -> (TempDir, PathBuf) {
    let folder = folder();
    let copy = folder.path().join(program.file_name().unwrap());
    fs::copy(program, &copy).unwrap();
    (folder, copy)
}

/// Returns a command as `nobody`, with a `/dev/fuse` that everyone may open, as on most distributions.
/// The machine's own device is not touched.
pub fn as_nobody(command: &Command) -> Command {
    let script = format!("{DEVICE} && mknod -m 666 /mnt/fuse c 10 229 && {USE_DEVICE}");
    after_script(&become_nobody(&script), command)
}

/// Returns a script that continues as `nobody`.
pub fn become_nobody(script: &str) -> String {
    let clear = "--clear-groups --inh-caps=-all --bounding-set=-all";
    format!("{script} && exec setpriv --reuid={NOBODY} --regid={NOBODY} {clear} \"$@\"")
}

/// Returns a command after a script in its own mount namespace. The script ends with `exec` if it
/// changes the user.
pub fn after_script(script: &str, command: &Command) -> Command {
    let script = if script.contains("exec ") {
        script.to_owned()
    } else {
        format!("{script} && exec \"$@\"")
    };
    let mut changed = Command::new("unshare");
    changed
        .args([
            "--mount",
            "--propagation=private",
            "sh",
            "-ec",
            &script,
            "sh",
        ])
        .arg(command.get_program())
        .args(command.get_args())
        .envs([("HOME", "/nonexistent"), ("TMPDIR", "/tmp")])
        .current_dir("/");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => changed.env(name, value),
            None => changed.env_remove(name),
        };
    }
    changed
}
