//! Programs that no distribution packages: `scripts/test-programs.sh` installs them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::run::told;

/// What the script ends with if something can't be installed.
const NOT_INSTALLED: i32 = 77;

/// Where a program is, such as `bin/fsx`. `None`, and a word why, if it can't be installed here; where
/// `CI=true` it must be.
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
