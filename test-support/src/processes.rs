//! Process trees.

use std::fs;

use nix::unistd::Pid;

/// Returns the child processes of all threads of a process; none if it has ended.
pub fn children(of: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{of}/task"));
    let threads = threads.into_iter().flatten().filter_map(Result::ok);
    let mut found = Vec::new();
    for thread in threads {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let children = children.split_whitespace();
        found.extend(children.map(|child| Pid::from_raw(child.parse().unwrap())));
    }
    found
}

/// Returns all descendants of a process.
pub fn descendants(of: Pid) -> Vec<Pid> {
    let mut found = Vec::new();
    for child in children(of) {
        found.push(child);
        found.extend(descendants(child));
    }
    found
}

/// Returns a process's command line, arguments separated by spaces; empty if it has ended.
pub fn command_line(pid: Pid) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}
