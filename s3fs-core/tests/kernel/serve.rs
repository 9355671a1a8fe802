//! Process that serves a test's bucket.
//!
//! Its first line of input is a [`Request`]; the answer is `ready` once the bucket is mounted. The
//! answer to the line `finish` lists the objects that could not be stored. At the end of the input, the
//! process stores everything and unmounts.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use s3fs_core::{DEFAULT_BUDGET, FileSystem, MountConfig, MountPoint, Mounted, Resources};
use serde::{Deserialize, Serialize};
use stub_test_support::is_root;
use tokio::runtime::Runtime;

/// Mount to serve.
#[derive(Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) config: MountConfig,
    pub(crate) folder: PathBuf,
    /// Memory limit for file contents, in bytes.
    pub(crate) budget: Option<u64>,
}

/// Maximum time that a mount may be busy when it is unmounted.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prefix of answers, which distinguishes them from the output of the test harness.
pub(crate) const ANSWER: &str = "answer: ";

/// Arguments that make the test binary this process.
pub(crate) const ARGUMENTS: [&str; 4] = ["serve::serve", "--exact", "--ignored", "--nocapture"];

#[test]
#[ignore = "not a test but the process that serves the other tests' buckets"]
fn serve() {
    let runtime = Runtime::new().unwrap();
    let mut lines = io::stdin().lock().lines().map(Result::unwrap);
    let request: Request = serde_json::from_str(&lines.next().unwrap()).unwrap();
    let folder = request.folder.clone();
    let mut mounted = runtime.block_on(mount(request));
    answer("ready");
    for line in lines {
        assert_eq!(line, "finish");
        let lost = runtime.block_on(mounted.serving.finish());
        answer(&serde_json::to_string(&lost).unwrap());
    }
    runtime.block_on(mounted.serving.finish());
    if mounted.unmount.unmount().is_err() {
        unmount_patiently(&folder);
    }
    mounted.serving.join().unwrap();
}

/// Unmounts a folder, and retries: a process that another test has just started may have our files open.
fn unmount_patiently(folder: &Path) {
    let start = Instant::now();
    while let Err(busy) = nix::mount::umount(folder) {
        assert!(start.elapsed() < PATIENCE, "{busy}");
        thread::sleep(Duration::from_millis(10));
    }
}

async fn mount(request: Request) -> Mounted {
    let mut config = request.config;
    config.memory = Some(request.budget.unwrap_or(DEFAULT_BUDGET));
    let resources = Resources::for_mounts([&config]);
    let read_only = config.access == s3fs_core::Access::ReadOnly;
    let source = config.bucket.to_string();
    let fs = FileSystem::connect(config, &resources).await.unwrap();
    let point = MountPoint {
        folder: &request.folder,
        source: &source,
        read_only,
        // A user who is not root may be forbidden to.
        allow_other: is_root(),
    };
    fs.mount_at(&point).unwrap()
}

#[allow(clippy::print_stdout, reason = "it is how this process answers")]
fn answer(text: &str) {
    // A line of its own: the harness leaves its own unfinished.
    println!("\n{ANSWER}{text}");
}
