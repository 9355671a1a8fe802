//! Build of the measured program, if no path was given.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::bail;

/// Builds `stub` in the release profile, and returns its path.
pub fn stub() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--release",
        "--package",
        "stub-cli",
        "--bin",
        "stub",
    ]);
    // What cargo told this benchmark about its package would make build scripts run again.
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy().starts_with("CARGO_");
        let kept = ["CARGO_HOME", "CARGO_TARGET_DIR"];
        let chosen = name.to_string_lossy().starts_with("CARGO_PROFILE_");
        if told && !chosen && !kept.iter().any(|&kept| name == kept) {
            cargo.env_remove(name);
        }
    }
    let status = cargo
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::null())
        .status()?;
    // This executable is in `<target>/<profile>/deps`.
    let own = std::env::current_exe()?;
    match own.ancestors().nth(3) {
        Some(target) if status.success() => Ok(target.join(Path::new("release/stub"))),
        _ => bail!("`stub` could not be built"),
    }
}
