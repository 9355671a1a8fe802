//! Memory, processors and descriptors that this process may use, by the machine and by its control groups.

use std::fs;
use std::num::NonZero;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::thread;

use nix::sys::resource::{Resource, getrlimit};

/// Hierarchy of control groups that limits memory.
#[derive(Debug, PartialEq, Eq)]
struct Groups {
    /// Folder of this process's group.
    own: PathBuf,
    /// Folder of the outermost visible group.
    root: PathBuf,
    /// Name of the file with the limit, in each group.
    file: &'static str,
}

/// Memory that this process may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Memory of the machine, or the limit of a control group, in bytes.
    pub(crate) total: u64,
    /// Part of it that other programs don't need now, in bytes. What others of the control group use is
    /// not taken off.
    pub(crate) available: u64,
}

/// Memory of a machine that does not tell its own, in bytes.
const UNKNOWN: u64 = 4 << 30;

/// Usual limit of descriptors, if this process is not told its own.
const USUAL_DESCRIPTORS: usize = 1024;

/// Range of the number of threads that serve one mount. While one copies a megabyte of a write, another
/// can answer; many compete for the kernel's queue.
const THREADS: RangeInclusive<usize> = 2..=8;

/// Returns the memory that this process may use.
pub(crate) fn memory() -> Memory {
    let limit = memory_limit().unwrap_or(u64::MAX);
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let field = |name| meminfo(&text, name).unwrap_or(UNKNOWN).min(limit);
    Memory {
        total: field("MemTotal"),
        available: field("MemAvailable"),
    }
}

/// Returns a field of `/proc/meminfo`, in bytes.
fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib = line.strip_prefix(':')?.trim().strip_suffix(" kB")?;
    Some(kib.parse::<u64>().ok()?.saturating_mul(1 << 10))
}

/// Returns the maximum number of descriptors of this process, by its soft limit.
pub(crate) fn descriptors() -> usize {
    let limits = getrlimit(Resource::RLIMIT_NOFILE);
    limits.map_or(USUAL_DESCRIPTORS, |(soft, _)| {
        usize::try_from(soft).unwrap_or(usize::MAX)
    })
}

/// Returns the number of threads that serve one mount.
pub(crate) fn serving_threads() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    cores.clamp(*THREADS.start(), *THREADS.end())
}

/// Returns the smallest memory limit, in bytes, of this process's control groups, of version 2 or
/// 1; `None` if there is no limit.
fn memory_limit() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let limits = groups(&own, &mounts)
        .into_iter()
        .filter_map(|groups| smallest(&groups));
    limits.min()
}

fn smallest(groups: &Groups) -> Option<u64> {
    let up = groups.own.ancestors();
    let seen = up.take_while(|folder| folder.starts_with(&groups.root));
    let limits = seen.filter_map(|folder| {
        let text = fs::read_to_string(folder.join(groups.file)).ok()?;
        text.trim().parse::<u64>().ok()
    });
    limits.min()
}

/// Returns the folders of this process's groups, from `/proc/self/cgroup` and
/// `/proc/self/mountinfo`.
fn groups(own: &str, mounts: &str) -> Vec<Groups> {
    let path = |is_wanted: fn(&str) -> bool| {
        own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            is_wanted(controllers).then(|| PathBuf::from(path))
        })
    };
    let unified = path(str::is_empty);
    let memory = path(|controllers| controllers.split(',').any(|one| one == "memory"));
    let of_mount = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (within, at) = (Path::new(place.next()?), PathBuf::from(place.next()?));
        let mut kind = kind.split(' ');
        let (name, options) = (kind.next()?, kind.nth(1)?);
        let (path, file) = match name {
            "cgroup2" => (unified.as_ref()?, "memory.max"),
            "cgroup" if options.split(',').any(|one| one == "memory") => {
                (memory.as_ref()?, "memory.limit_in_bytes")
            }
            _ => return None,
        };
        // In a container, the path may be the host's, of which only the container's own group is
        // seen: what isn't there has no limit.
        let own = path
            .strip_prefix(within)
            .map_or_else(|_| at.clone(), |rest| at.join(rest));
        Some(Groups {
            own,
            root: at,
            file,
        })
    };
    mounts.lines().filter_map(of_mount).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_meminfo_are_in_bytes() {
        let text = "MemTotal:       24683972 kB\nMemFree:         2 kB\nHugePages_Total:       3\n";
        assert_eq!(meminfo(text, "MemTotal"), Some(24_683_972 << 10));
        assert_eq!(meminfo(text, "MemAvailable"), None);
        assert_eq!(meminfo(text, "HugePages_Total"), None);
        let memory = memory();
        assert!(
            memory.available > 0 && memory.total >= memory.available,
            "{memory:?}"
        );
    }

    #[test]
    fn the_soft_limit_of_open_files_counts() {
        let text = fs::read_to_string("/proc/self/limits").unwrap();
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix("Max open files"));
        let soft = line.unwrap().split_whitespace().next().unwrap();
        assert_eq!(descriptors().to_string(), soft);
        assert!(descriptors() >= 16);
    }

    #[test]
    fn groups_of_both_versions_are_found() {
        let own = "4:memory:/jobs/7\n1:cpu,cpuacct:/\n0::/user.slice/x\n";
        let mounts = "\
            24 18 0:22 / /proc rw - proc proc rw\n\
            30 18 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n\
            31 18 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
            32 18 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let group = |own: &str, root: &str, file| Groups {
            own: own.into(),
            root: root.into(),
            file,
        };
        assert_eq!(
            groups(own, mounts),
            [
                group(
                    "/sys/fs/cgroup/memory/jobs/7",
                    "/sys/fs/cgroup/memory",
                    "memory.limit_in_bytes"
                ),
                group(
                    "/sys/fs/cgroup/unified/user.slice/x",
                    "/sys/fs/cgroup/unified",
                    "memory.max"
                ),
            ]
        );
        // In a container that sees its own group as the root.
        let mounts = "30 18 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        for own in ["0::/docker/abc\n", "0::/\n", "0::/../other\n"] {
            let expected = group("/sys/fs/cgroup", "/sys/fs/cgroup", "memory.max");
            let found = groups(own, mounts);
            assert_eq!(found[0].root, expected.root);
            assert_eq!(found[0].own.components().as_path(), expected.own, "{own}");
        }
    }

    #[test]
    fn the_smallest_limit_on_the_way_to_the_root_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let own = root.join("a/b");
        fs::create_dir_all(&own).unwrap();
        let groups = Groups {
            own: own.clone(),
            root: root.clone(),
            file: "memory.max",
        };
        assert_eq!(smallest(&groups), None);
        fs::write(own.join("memory.max"), "max\n").unwrap();
        fs::write(root.join("memory.max"), "300\n").unwrap();
        fs::write(folder.path().join("memory.max"), "1\n").unwrap();
        assert_eq!(smallest(&groups), Some(300));
        fs::write(root.join("a/memory.max"), "200\n").unwrap();
        assert_eq!(smallest(&groups), Some(200));
    }
}
