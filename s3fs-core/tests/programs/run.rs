//! Running third-party programs.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Returns a command with the same environment on every machine.
pub(crate) fn program(name: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(name);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// Runs a script in a folder; each of its commands must succeed. Returns the output.
#[track_caller]
pub(crate) fn sh(folder: &Path, script: &str) -> String {
    let mut command = program("bash", folder);
    command.args(["-euo", "pipefail", "-c", script]);
    finish(&mut command)
}

/// Runs a Python program in a folder, with the distribution's Python.
#[track_caller]
pub(crate) fn python(folder: &Path, source: &str) -> String {
    finish(program("python3", folder).args(["-c", source]))
}

/// Runs a command that must succeed. Returns the output, without the last newline.
#[track_caller]
pub(crate) fn finish(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", told(&output));
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

/// Runs the body of a test in a separate process: an unreadable page of a mapped file ends the process,
/// and must not end the other tests.
#[track_caller]
pub(crate) fn apart<F: FnOnce()>(body: F) {
    const APART: &str = "STUB_PROGRAMS_APART";
    if std::env::var_os(APART).is_some() {
        return body();
    }
    // The body is a closure in the test, whose name it bears.
    let name = std::any::type_name::<F>();
    let name = name.trim_start_matches("programs::");
    let name = name.trim_end_matches("::{{closure}}");
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said");
    let into = std::fs::File::create(&said).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name]).env(APART, "1");
    // Not a pipe: a process that serves a mount for it may outlive it, and hold the other end.
    command.stdout(into.try_clone().unwrap()).stderr(into);
    let status = command.env("TMPDIR", folder.path()).status().unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let mounts = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    for left in mounts.filter(|mount| Path::new(mount).starts_with(folder.path())) {
        nix::mount::umount2(left, nix::mount::MntFlags::MNT_DETACH).unwrap();
    }
    let text = std::fs::read_to_string(said).unwrap();
    assert!(status.success(), "{name}: {status}\n{text}");
    assert!(text.contains("1 passed"), "{name}: {text}");
}

/// Formats a program's exit status and the end of its output.
pub(crate) fn told(output: &Output) -> String {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    let end = &text[text.len().saturating_sub(6000)..];
    format!("{}\n{}", output.status, String::from_utf8_lossy(end))
}
