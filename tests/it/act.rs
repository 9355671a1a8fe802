//! Acts: parts of tests that need their own process, with another user, environment or machine, or that
//! die.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use s3_local::Server;
use stub::CloudBucketMount;
use tempfile::TempDir;

use crate::bucket::{BUCKET, keys};
use crate::clean::MARK;

/// Variables with the endpoint of the test's server, and with its keys if the act may use them.
const ENDPOINT: &str = "STUB_IT_ENDPOINT";
const KEYS: &str = "STUB_IT_KEYS";

/// User ID of `nobody`.
const NOBODY: &str = "65534";

/// Creates a program's folder, which every user may enter.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix(MARK).tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Creates a folder in which every user may write.
pub(crate) fn shared() -> TempDir {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
    folder
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Returns the command that runs one of this program's ignored tests and shows its output.
pub(crate) fn act(name: &str) -> Command {
    acting(&std::env::current_exe().unwrap(), name)
}

fn acting(program: &Path, name: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["--ignored", "--exact", name, "--nocapture"]);
    command
}

/// Returns an act on a machine changed by a shell script: in its own mount namespace, as root.
pub(crate) fn act_after(script: &str, name: &str) -> (TempDir, Command) {
    let (folder, program) = copied(&std::env::current_exe().unwrap());
    let command = after(script, &acting(&program, name));
    (folder, command)
}

/// Copies a program to a place where every user may execute it.
pub(crate) fn copied(program: &Path) -> (TempDir, PathBuf) {
    let folder = folder();
    let copy = folder.path().join(program.file_name().unwrap());
    fs::copy(program, &copy).unwrap();
    (folder, copy)
}

/// Returns a command as `nobody`, with a `/dev/fuse` that everyone may open, as on most distributions.
/// The machine's own device is not touched.
pub(crate) fn as_nobody(command: &Command) -> Command {
    let script = format!("{DEVICE} && mknod -m 666 /mnt/fuse c 10 229 && {USE_DEVICE}");
    after(&become_nobody(&script), command)
}

/// Script that creates a folder for a device.
pub(crate) const DEVICE: &str = "mount -t tmpfs stub-it-devices /mnt";

/// Script that replaces the machine's device by that one.
pub(crate) const USE_DEVICE: &str = "mount --bind /mnt/fuse /dev/fuse && umount -l /mnt";

/// Returns a script that continues as `nobody`.
pub(crate) fn become_nobody(script: &str) -> String {
    let clear = "--clear-groups --inh-caps=-all --bounding-set=-all";
    format!("{script} && exec setpriv --reuid={NOBODY} --regid={NOBODY} {clear} \"$@\"")
}

/// Runs a command after a script, which ends with `exec` if it changes the user.
fn after(script: &str, command: &Command) -> Command {
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

/// Passes the server's endpoint and keys to an act.
pub(crate) fn tell<'a>(command: &'a mut Command, server: &Server) -> &'a mut Command {
    let keys = format!("{} {}", server.access_key_id(), server.secret_access_key());
    command.env(ENDPOINT, server.endpoint_url()).env(KEYS, keys)
}

/// Returns, in an act, the bucket of the server passed by [`tell`]; with credentials if `signed`.
pub(crate) fn told(signed: bool) -> CloudBucketMount {
    let volume = CloudBucketMount::new(BUCKET)
        .bucket_endpoint_url(std::env::var(ENDPOINT).unwrap())
        .force_path_style(true);
    if !signed {
        return volume;
    }
    let both = std::env::var(KEYS).unwrap();
    let (id, secret) = both.split_once(' ').unwrap();
    volume.secret(keys(id, secret))
}

/// Runs a command; returns whether it succeeded, and the output of both streams.
pub(crate) fn output(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.success(), text.concat())
}
