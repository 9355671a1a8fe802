//! Another project's S3 server, set up by a script.

use std::path::Path;
use std::process::Command;

use stub_test_support::{Clean, is_root};

use crate::examples::built;

/// Exit status of the script if the server can't be installed.
const NOT_INSTALLED: i32 = 77;

#[test]
#[allow(clippy::print_stdout, reason = "says why nothing was tested")]
fn the_example_and_a_round_trip_work_there() {
    if !is_root() {
        return; // The installation is in the target folder, which is not this user's.
    }
    let _clean = Clean::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/foreign-server.sh");
    let mut command = Command::new(script);
    command
        .arg(built("examples").join("ls_bucket"))
        .arg(built("stub"))
        .env("STUB_FOREIGN_FOLDER", built("").join("../foreign-server"));
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    if output.status.code() == Some(NOT_INSTALLED) && !in_ci {
        println!("skipped: {text}");
        return;
    }
    assert!(output.status.success(), "{}: {text}", output.status);
}
