//! Check for leftovers: processes, mounts and files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::prctl::set_child_subreaper;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// Prefix of the names of all folders, files and mount points of these tests.
pub(crate) const MARK: &str = "stub-it";

/// Guard of a test, from its first line to its end, when it checks for leftovers. Tests take turns, so
/// that everything found is the test's own.
pub(crate) struct Clean {
    before: BTreeSet<String>,
    _turn: MutexGuard<'static, ()>,
}

impl Clean {
    pub(crate) fn start() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        static ADOPT: Once = Once::new();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // What outlives its parent becomes this process's child instead of escaping.
        ADOPT.call_once(|| set_child_subreaper(true).unwrap());
        Self {
            before: left().into_iter().collect(),
            _turn: turn,
        }
    }

    /// Waits until nothing is left: after a death, other processes need a moment to notice.
    pub(crate) fn settle(&self) {
        eventually("nothing is left", || {
            self.left_since().is_empty().then_some(())
        });
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
pub(crate) fn mounts() -> Vec<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let ours = table.lines().filter(|line| line.contains(MARK));
    ours.map(str::to_owned).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().filter_map(Result::ok);
    let paths = entries.map(|entry| entry.path().display().to_string());
    paths.filter(|path| path.contains(MARK)).collect()
}

/// Returns all descendants of a process.
pub(crate) fn descendants(of: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{of}/task"));
    let threads = threads.into_iter().flatten().filter_map(Result::ok);
    let mut found = Vec::new();
    for thread in threads {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            let child = Pid::from_raw(child.parse().unwrap());
            found.push(child);
            found.extend(descendants(child));
        }
    }
    found
}

/// Describes a process, unless it has ended.
fn describe(pid: Pid) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let has_ended = status.lines().any(|line| line.starts_with("State:\tZ"));
    if has_ended {
        // An orphan that came here; other children have been waited for by who started them.
        let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        return None;
    }
    Some(format!("{pid}: {}", command_line(pid)))
}

/// Returns a process's command line, arguments separated by spaces; empty if it has ended.
pub(crate) fn command_line(pid: Pid) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}

/// Waits until `look` returns a value; panics after 30 s.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "never so: {what}; there are {:?}",
            left()
        );
        thread::sleep(Duration::from_millis(5));
    }
}
