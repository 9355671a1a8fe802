//! Process IDs of requests.
//!
//! The kernel uses the IDs of the PID namespace in which the file system was mounted. A sandbox
//! mounts in its own namespace, while `/proc` here shows other IDs for its processes.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// ID in requests of the kernel, or of a process outside the PID namespace.
const NOBODY: u32 = 0;

/// PID namespace of the process that mounted a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PidNamespace {
    /// Namespace of this process.
    #[default]
    Own,
    /// Namespace whose first process is a child of this process.
    Child {
        /// Process ID of the child, as this process sees it.
        init: u32,
    },
}

/// Thread of a process in another PID namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thread {
    /// ID in `/proc`.
    here: u32,
    /// ID in that namespace.
    there: u32,
}

impl PidNamespace {
    /// Returns the ID in `/proc` of the thread that a request names. Returns `None` if the thread
    /// is outside the namespace, or not found among the descendants of the namespace's first
    /// process.
    pub(super) fn thread(self, named: u32) -> Option<u32> {
        match self {
            _ if named == NOBODY => None,
            Self::Own => Some(named),
            Self::Child { init } => {
                let threads = process_of(init, named)?;
                let thread = threads.iter().find(|thread| thread.there == named);
                thread.map(|thread| thread.here)
            }
        }
    }

    /// Returns whether two threads named by requests are the same, or belong to one process. The
    /// second one is alive: it waits for its answer.
    ///
    /// Returns false if that is unknown. A file is then stored after its last handle is released,
    /// without a `close` that waits. If the threads counted as one process, a child's `close` would
    /// store a file that its parent is still writing.
    pub(super) fn is_one_process(self, thread: u32, other: u32) -> bool {
        if thread == NOBODY || other == NOBODY {
            return false;
        }
        thread == other
            || match self {
                Self::Own => Path::new(&format!("/proc/{thread}/task/{other}")).exists(),
                Self::Child { init } => process_of(init, other)
                    .is_some_and(|threads| threads.iter().any(|known| known.there == thread)),
            }
    }
}

/// Returns the threads of the process that has a thread of this ID in the namespace of `init`.
fn process_of(init: u32, named: u32) -> Option<Vec<Thread>> {
    let own = ids(&read_status(Path::new("/proc/self")));
    // By the IDs that `/proc` shows for this process: `/proc` may belong to an outer namespace.
    let first = children(Path::new("/proc/self"))
        .into_iter()
        .find(|child| is_first(&own, &ids(&read_status(&folder(*child))), init))?;
    let depth = own.len();
    let mut seen = HashSet::new();
    let mut left = vec![first];
    while let Some(process) = left.pop() {
        if !seen.insert(process) {
            continue;
        }
        let threads = threads(&folder(process), depth);
        if threads.iter().any(|thread| thread.there == named) {
            return Some(threads);
        }
        left.extend(children(&folder(process)));
    }
    None
}

/// Returns whether a child is the first process of a namespace directly below this process's own.
/// `init` is the child's ID in this process's namespace.
fn is_first(own: &[u32], child: &[u32], init: u32) -> bool {
    let is_below = !own.is_empty() && child.len() == own.len() + 1;
    is_below && child.ends_with(&[init, 1])
}

fn threads(process: &Path, depth: usize) -> Vec<Thread> {
    let listed = fs::read_dir(process.join("task")).into_iter().flatten();
    let threads = listed.flatten().filter_map(|thread| {
        let here = thread.file_name().to_str()?.parse().ok()?;
        let there = *ids(&read_status(&thread.path())).get(depth)?;
        Some(Thread { here, there })
    });
    threads.collect()
}

/// Returns the IDs of a thread that its `status` shows, from the namespace of `/proc` inwards. The
/// result is empty if `status` does not show them.
fn ids(status: &str) -> Vec<u32> {
    let mut lines = status.lines();
    let shown = lines.find_map(|line| line.strip_prefix("NSpid:"));
    let ids = shown.unwrap_or_default().split_ascii_whitespace();
    ids.map_while(|id| id.parse().ok()).collect()
}

/// Returns the child processes of all threads of a process.
pub(super) fn children(process: &Path) -> Vec<u32> {
    let threads = fs::read_dir(process.join("task")).into_iter().flatten();
    let listed = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let ids = listed.flat_map(|ids| {
        let ids = ids.split_ascii_whitespace().map(str::parse::<u32>);
        ids.flatten().collect::<Vec<_>>()
    });
    ids.collect()
}

fn read_status(thread: &Path) -> String {
    // The program's name in it may not be UTF-8.
    let status = fs::read(thread.join("status")).unwrap_or_default();
    String::from_utf8_lossy(&status).into_owned()
}

fn folder(process: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{process}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_of_a_thread_are_read_from_its_status() {
        let status = |ids: &str| format!("Name:\tsh\nNStgid:\t9\t9\nNSpid:\t{ids}\nNSpgid:\t8\n");
        assert_eq!(ids(&status("4711")), [4711]);
        assert_eq!(ids(&status("4711\t12\t1")), [4711, 12, 1]);
        assert_eq!(ids("Name:\tsh\nPid:\t4711\n"), [0_u32; 0]);
        assert_eq!(ids(""), [0_u32; 0], "a process that is gone");
    }

    #[test]
    fn the_first_process_of_a_namespace_is_known_by_its_ids() {
        assert!(is_first(&[400], &[500, 1], 500));
        assert!(!is_first(&[400], &[501, 1], 500), "of another job");
        assert!(!is_first(&[400], &[500], 500), "in this namespace");
        assert!(!is_first(&[400], &[500, 7], 500), "not the first");
        assert!(!is_first(&[400], &[500, 1, 1], 500), "of one further below");
        assert!(
            is_first(&[400, 40], &[500, 50, 1], 50),
            "`/proc` is that around"
        );
        assert!(!is_first(&[400, 40], &[500, 50, 1], 500));
        assert!(!is_first(&[400, 40], &[50, 1], 50));
        assert!(!is_first(&[400], &[], 500));
        assert!(!is_first(&[], &[500, 1], 500));
    }

    #[test]
    fn threads_of_the_own_namespace_are_what_they_are() {
        let me = std::process::id();
        let own = PidNamespace::Own;
        assert_eq!(own.thread(me), Some(me));
        assert_eq!(own.thread(NOBODY), None);
        assert!(own.is_one_process(me, me));
        assert!(!own.is_one_process(me, 1));
        assert!(!own.is_one_process(NOBODY, NOBODY));
    }

    #[test]
    fn what_is_not_below_a_namespaces_first_process_is_unknown() {
        let child = PidNamespace::Child { init: 1 };
        assert_eq!(child.thread(1), None);
        assert_eq!(child.thread(NOBODY), None);
        assert!(!child.is_one_process(7, 8));
        assert!(child.is_one_process(7, 7), "one thread");
        assert!(!child.is_one_process(NOBODY, NOBODY));
    }
}
