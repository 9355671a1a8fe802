//! Control group (cgroup v2) for one job.
//!
//! It is a child of the supervisor's own group, if that is delegated and hands its controllers on
//! to its children.
//! <https://docs.kernel.org/admin-guide/cgroup-v2.html>

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Control group of a job. Removed with this value, when its processes are gone.
#[derive(Debug)]
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    /// Returns the folder in which groups can be made, and the controllers that they would have.
    pub(crate) fn parent() -> Option<(PathBuf, Vec<String>)> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let folder = folder(&own, &mounts)?;
        let handed_on = fs::read_to_string(folder.join("cgroup.subtree_control")).ok()?;
        let controllers = handed_on.split_whitespace().map(str::to_owned);
        Some((folder, controllers.collect()))
    }

    /// Makes a group with these limits, and moves a process into it.
    ///
    /// # Errors
    /// This user may not, or the kernel refuses a value.
    pub(crate) fn make(parent: &Path, files: &[(&str, String)], process: i32) -> io::Result<Self> {
        let folder = parent.join(name(std::process::id()));
        fs::create_dir(&folder)?;
        let group = Self(folder);
        for (file, value) in files {
            fs::write(group.0.join(file), value)?;
        }
        // Memory on the disk would not count; a kernel without swap has no such file.
        if files.iter().any(|(file, _)| *file == "memory.max") {
            let _ = fs::write(group.0.join("memory.swap.max"), "0");
        }
        fs::write(group.0.join("cgroup.procs"), process.to_string())?;
        Ok(group)
    }
}

/// Removes the group that a killed supervisor has left.
pub(crate) fn remove_left(supervisor: u32) {
    if let Some((parent, _)) = Cgroup::parent() {
        // Most have none.
        let _ = fs::remove_dir(parent.join(name(supervisor)));
    }
}

fn name(supervisor: u32) -> String {
    format!("stub-{supervisor}")
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "failed to remove a control group");
        }
    }
}

/// Returns the folder of this process's own group.
fn folder(own: &str, mounts: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mount = mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let is_cgroup2 = after.split(' ').next() == Some("cgroup2");
        is_cgroup2.then(|| before.split(' ').nth(4)).flatten()
    })?;
    Some(Path::new(mount).join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_lies_below_the_mount_of_its_hierarchy() {
        let mounts = "24 1 0:22 / /proc rw - proc proc rw\n\
                      30 24 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n";
        let own = "4:memory:/x\n0::/user.slice/session-1.scope\n";
        let expected = Path::new("/sys/fs/cgroup/user.slice/session-1.scope");
        assert_eq!(folder(own, mounts).as_deref(), Some(expected));
        assert_eq!(folder("4:memory:/x\n", mounts), None);
        assert_eq!(folder(own, "24 1 0:22 / /proc rw - proc proc rw\n"), None);
    }
}
