//! Leftovers of a round on the machine.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Variable that every process of a round inherits.
pub(crate) const ROUND: &str = "STUB_STRESS_ROUND";

/// Time that other processes have to notice a death.
const NOTICE: Duration = Duration::from_secs(15);

/// Waits until nothing of a round is left; returns the leftovers if the time runs out.
pub(crate) fn left(round: &str, folder: &Path, temporary: &Path) -> Vec<String> {
    let deadline = Instant::now() + NOTICE;
    loop {
        let mut found = mounts(folder);
        found.extend(processes(round));
        found.extend(files(temporary));
        if found.is_empty() || Instant::now() > deadline {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn mounts(folder: &Path) -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let folder = format!(" {} ", folder.display());
    let ours = table.lines().filter(|line| line.contains(&folder));
    ours.map(|line| format!("mount: {line}")).collect()
}

fn processes(round: &str) -> Vec<String> {
    let wanted = format!("{ROUND}={round}");
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let ours = entries.filter(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| variable == wanted.as_bytes())
    });
    let line = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        format!("process {}: {line}", entry.file_name().display())
    };
    ours.map(line).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().filter_map(Result::ok);
    entries
        .map(|entry| format!("file: {}", entry.path().display()))
        .collect()
}
