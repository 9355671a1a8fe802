//! Behaviour in a control group with little memory. Needs root, or a delegated group.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use s3_local::S3Local;

/// Control group with a memory limit, removed when dropped.
struct Group(PathBuf);

impl Group {
    /// Creates a group below this process's own, of version 2 or 1. Returns `None` where that is not
    /// permitted.
    fn new(bytes: u64) -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let make = |line: &str| {
            let (_, rest) = line.split_once(':')?;
            let (parent, file) = match rest.split_once(':')? {
                ("", path) => (PathBuf::from(format!("/sys/fs/cgroup{path}")), "memory.max"),
                ("memory", path) => (
                    PathBuf::from(format!("/sys/fs/cgroup/memory{path}")),
                    "memory.limit_in_bytes",
                ),
                _ => return None,
            };
            let folder = parent.join(format!("stub-test-{}", std::process::id()));
            fs::create_dir(&folder).ok()?;
            let group = Self(folder);
            let limit = group.0.join(file);
            (limit.exists() && fs::write(limit, bytes.to_string()).is_ok()).then_some(group)
        };
        own.lines().find_map(make)
    }

    fn procs(&self) -> &Path {
        &self.0
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its processes have ended.
        fs::remove_dir(&self.0).unwrap();
    }
}

#[test]
fn a_small_control_group_is_no_reason_to_die() {
    let Some(group) = Group::new(150 << 20) else {
        return; // Nobody has delegated one.
    };
    let folder = tempfile::tempdir().unwrap();
    // On the disk, and outside of the group.
    let server = S3Local::builder().on_folder(folder.path()).start();
    server.create_bucket("data");
    let script = "for i in 1 2 3 4; do head -c 150000000 /dev/zero > /stub-out/$i & done; wait; \
                  cat /stub-out/* | wc -c";
    let output = Command::new("sh")
        .args(["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\""])
        .arg(group.procs())
        .args([env!("CARGO_BIN_EXE_stub"), "run", "--force-path-style"])
        .args(["--endpoint-url", &server.endpoint_url()])
        .args(["--volume", "/stub-out=s3://data", "--", "sh", "-c", script])
        .env("AWS_ACCESS_KEY_ID", server.access_key_id())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_access_key())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"600000000\n");
}
