//! Turns of tests: one at a time uses the cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use stub::{Engine, Slurm};
use stub_test_support::{MARK, Patience};
use tempfile::TempDir;

/// Variable with the folder of the cluster that `scripts/slurm-cluster.sh` has started.
const CLUSTER: &str = "STUB_TEST_SLURM";

/// Guard of a test, from its first line to its end, when it checks for leftovers.
pub(crate) struct Turn {
    spool: TempDir,
    cluster: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Turn {
    /// Starts a test; returns `None` without a cluster, and panics without one in CI.
    pub(crate) fn start() -> Option<Self> {
        Self::with(|slurm| slurm)
    }

    /// Starts a test with other settings.
    pub(crate) fn with(set: impl FnOnce(Slurm) -> Slurm) -> Option<Self> {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(cluster) = std::env::var_os(CLUSTER).map(PathBuf::from) else {
            assert!(
                std::env::var_os("CI").is_none(),
                "there is no cluster; test.sh starts one, and sets {CLUSTER}"
            );
            return None;
        };
        let spool = tempfile::Builder::new().prefix(MARK).tempdir().unwrap();
        let slurm = Slurm::new().spool(spool.path().display().to_string());
        Engine::from(set(slurm)).select();
        Some(Self {
            spool,
            cluster,
            _alone: turn,
        })
    }

    pub(crate) fn spool(&self) -> &Path {
        self.spool.path()
    }

    /// Runs a command of the cluster's script, such as `kill-node` with its name.
    pub(crate) fn cluster(&self, what: &str, name: Option<&str>) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/slurm-cluster.sh");
        let status = Command::new(script)
            .arg(what)
            .arg(&self.cluster)
            .args(name)
            // What it starts stays when the tests have ended.
            .env_remove("STUB_TEST_RUN")
            .status()
            .unwrap();
        assert!(status.success(), "{what} {name:?}");
    }

    /// Returns the leftovers of calls: in the spool, in the queue, and among the records.
    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.spool()).unwrap();
        let mut left: Vec<String> = entries
            .map(|entry| entry.unwrap().path().display().to_string())
            .collect();
        left.extend(
            queue("%i %j %T")
                .into_iter()
                .filter(|job| !job.contains("COMPLETING")),
        );
        if let Some(state) = std::env::var_os("XDG_STATE_HOME") {
            let records = fs::read_dir(Path::new(&state).join("stub/calls"));
            let records = records.into_iter().flatten();
            left.extend(records.map(|entry| entry.unwrap().path().display().to_string()));
        }
        left
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if thread::panicking() {
            // The next test shall not find what this one left.
            let _ = Command::new("scancel").arg("--user=root").status();
            return;
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.left().is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(self.left(), Vec::<String>::new(), "something is left");
    }
}

/// Returns the waiting and running jobs in this format.
pub(crate) fn queue(format: &str) -> Vec<String> {
    let format = format!("--format={format}");
    let output = Command::new("squeue")
        .args(["--noheader", "--array", &format])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

/// Waits until `look` returns a value; panics after one minute.
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    let patience = Patience::new(Duration::from_mins(1));
    let patience = patience.showing(|| format!("queue: {:?}", queue("%i %j %T %R")));
    patience.eventually(what, look)
}

/// Returns the names of the files in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
