//! Ids in a user namespace.

use std::fs;
use std::io;

use crate::sys::{Errno, Ids, SysError};

/// Maps the ids that this process had outside of a new user namespace to themselves: files and
/// processes look as they did, and no other id exists.
pub(crate) fn keep_identity(outside: Ids) -> Result<(), SysError> {
    // Without this an unprivileged process may not write its group map (CVE-2014-8989). A kernel
    // that lacks the file lacks the rule.
    match write("/proc/self/setgroups", "deny") {
        Err(error) if error.errno == Errno::ENOENT => {}
        other => other?,
    }
    let same = |id: u32| format!("{id} {id} 1\n");
    write("/proc/self/uid_map", &same(outside.user))?;
    write("/proc/self/gid_map", &same(outside.group))
}

fn write(path: &str, content: &str) -> Result<(), SysError> {
    fs::write(path, content).map_err(|error: io::Error| SysError {
        call: format!("write({path}, {})", content.trim()),
        errno: Errno::from_raw(error.raw_os_error().unwrap_or(0)),
    })
}
