//! Acts: parts of tests that need their own process, with another user, environment or machine, or that
//! die.

use std::path::Path;
use std::process::Command;

use s3_local::Server;
use stub::CloudBucketMount;
use stub_test_support::{after_script, copied};
use tempfile::TempDir;

use crate::bucket::{BUCKET, keys};

/// Variables with the endpoint of the test's server, and with its keys if the act may use them.
const ENDPOINT: &str = "STUB_IT_ENDPOINT";
const KEYS: &str = "STUB_IT_KEYS";

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
    let command = after_script(script, &acting(&program, name));
    (folder, command)
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
