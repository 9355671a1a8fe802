//! Programs that no distribution packages, installed by `scripts/test-programs.sh`.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::run::told;

/// Exit status of the script if something can't be installed.
const NOT_INSTALLED: i32 = 77;

/// Returns the path of a program, such as `bin/fsx`. If it can't be installed here, prints the reason
/// and returns `None`; with `CI=true` it panics.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    static HOME: OnceLock<Option<PathBuf>> = OnceLock::new();
    HOME.get_or_init(install)
        .as_ref()
        .map(|home| home.join(name))
}

#[allow(clippy::print_stdout, reason = "says why nothing was tested")]
fn install() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/test-programs.sh");
    let mut command = std::process::Command::new(script);
    let output = command.env("CARGO_TARGET_DIR", target).output().unwrap();
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    if output.status.code() == Some(NOT_INSTALLED) && !in_ci {
        println!("skipped: {}", told(&output));
        return None;
    }
    assert!(output.status.success(), "{}", told(&output));
    Some(target.join("test-programs"))
}
