//! Memory limit of this process, from its control groups.

use std::fs;
use std::path::{Path, PathBuf};

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

/// Returns the smallest memory limit, in bytes, of this process's control groups, of version 2 or
/// 1; `None` if there is no limit.
pub(crate) fn memory_limit() -> Option<u64> {
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
