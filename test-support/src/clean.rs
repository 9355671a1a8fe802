//! Check for leftovers: processes, mounts and files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::folders::MARK;
use crate::processes::{command_line, descendants};
use crate::wait::eventually;

/// Guard of a test, from its first line to its end, when it checks for leftovers. Tests take turns, so
/// that everything found is the test's own.
#[derive(Debug)]
#[must_use = "leftovers are checked when it is dropped"]
pub struct Clean {
    before: BTreeSet<String>,
    _turn: MutexGuard<'static, ()>,
}

impl Clean {
    /// Waits for the test's turn, and records the processes, mounts and files of before.
    pub fn start() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        static ADOPT: Once = Once::new();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Descendants that outlive their parent become this process's children instead of escaping.
        ADOPT.call_once(|| set_child_subreaper(true).unwrap());
        Self {
            before: left().into_iter().collect(),
            _turn: turn,
        }
    }

    /// Waits until nothing is left: after a death, other processes need a moment to notice.
    pub fn settle(&self) {
        eventually("nothing is left", || self.left_since().is_empty());
    }

    fn left_since(&self) -> Vec<String> {
        left()
            .into_iter()
            .filter(|one| !self.before.contains(one))
            .collect()
    }
}

impl Drop for Clean {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert_eq!(self.left_since(), Vec::<String>::new(), "something is left");
        }
    }
}

fn left() -> Vec<String> {
    let mut found = mounts();
    found.extend(descendants(Pid::this()).into_iter().filter_map(describe));
    found.extend(files(Path::new("/")));
    found.extend(files(&std::env::temp_dir()));
    found
}

/// Returns the mounts at the tests' mount points in this process's namespace.
pub fn mounts() -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let ours = table.lines().filter(|line| line.contains(MARK));
    ours.map(str::to_owned).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().filter_map(Result::ok);
    let paths = entries.map(|entry| entry.path().display().to_string());
    paths.filter(|path| path.contains(MARK)).collect()
}

/// Describes a process, unless it has ended.
fn describe(pid: Pid) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let has_ended = status.lines().any(|line| line.starts_with("State:\tZ"));
    if has_ended {
        // An orphan that came here; the starters of other children have waited for them.
        let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        return None;
    }
    Some(format!("{pid}: {}", command_line(pid)))
}
