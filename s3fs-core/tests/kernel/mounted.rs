//! A bucket on a server of its own, mounted at a folder of its own, gone when dropped.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::{S3Local, Server};
use s3fs_core::{BucketName, Credentials, MountConfig, NotStored};
use tempfile::TempDir;

use crate::serve::{ANSWER, ARGUMENTS, Request};

/// Retry timeout of mounts whose requests are to fail.
pub(crate) const SOON: Duration = Duration::from_millis(500);

/// The bucket that tests mount.
pub(crate) const BUCKET: &str = "data";

/// A mounted bucket. It is served by a process of its own: one that serves a mount and uses it can
/// come to wait for itself, and then cannot even be killed.
pub(crate) struct Bucket {
    /// Shared, to be mounted again.
    pub(crate) server: Arc<Server>,
    folder: TempDir,
    serving: Child,
    answers: Mutex<BufReader<ChildStdout>>,
}

/// A server with the bucket, to be filled before it is mounted.
pub(crate) fn server() -> Server {
    let server = S3Local::builder().start();
    server.create_bucket(BUCKET);
    server
}

/// How to mount the bucket of a server with its root key.
pub(crate) fn config(server: &Server) -> MountConfig {
    MountConfig {
        endpoint_url: Some(server.endpoint_url()),
        credentials: Credentials::Static {
            access_key_id: server.access_key_id().to_owned(),
            secret_access_key: server.secret_access_key().to_owned(),
            session_token: None,
        },
        ..MountConfig::new(BucketName::new(BUCKET).unwrap())
    }
}

/// An empty bucket, mounted read-write.
pub(crate) fn empty() -> Bucket {
    Bucket::mount(server(), |_| {})
}

impl Bucket {
    /// Mounts the bucket of a server with a configuration changed by `change`.
    pub(crate) fn mount(
        server: impl Into<Arc<Server>>,
        change: impl FnOnce(&mut MountConfig),
    ) -> Self {
        Self::mount_with(server, None, change)
    }

    /// As `mount`, with so many bytes of memory for file contents.
    pub(crate) fn mount_with(
        server: impl Into<Arc<Server>>,
        budget: Option<u64>,
        change: impl FnOnce(&mut MountConfig),
    ) -> Self {
        let server = server.into();
        let mut config = config(&server);
        change(&mut config);
        let folder = tempfile::tempdir().unwrap();
        let mut serving = Command::new(std::env::current_exe().unwrap())
            .args(ARGUMENTS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = Mutex::new(BufReader::new(serving.stdout.take().unwrap()));
        let request = Request {
            config,
            folder: folder.path().to_owned(),
            budget,
        };
        let mut bucket = Self {
            server,
            folder,
            serving,
            answers,
        };
        assert_eq!(
            bucket.ask(&serde_json::to_string(&request).unwrap()),
            "ready"
        );
        bucket
    }

    fn ask(&mut self, request: &str) -> String {
        writeln!(self.serving.stdin.as_mut().unwrap(), "{request}").unwrap();
        self.answer()
    }

    fn answer(&self) -> String {
        let mut answers = self.answers.lock().unwrap();
        loop {
            let mut line = String::new();
            assert_ne!(answers.read_line(&mut line).unwrap(), 0, "it has ended");
            if let Some(answer) = line.trim_end().strip_prefix(ANSWER) {
                return answer.to_owned();
            }
        }
    }

    /// Stops serving the mount, for as long as the value lives.
    pub(crate) fn stop(&self) -> Stopped {
        let process = Pid::from_raw(self.serving.id().cast_signed());
        kill(process, Signal::SIGSTOP).unwrap();
        Stopped(process)
    }

    /// Largest amount of memory that the serving process has held, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.serving.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<u64>().unwrap() << 10
    }

    /// The folder where the bucket is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path in it.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.at(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Waits until all is stored.
    pub(crate) fn finish(&self) -> Vec<NotStored> {
        writeln!(self.serving.stdin.as_ref().unwrap(), "finish").unwrap();
        serde_json::from_str(&self.answer()).unwrap()
    }

    /// The keys that the server holds when everything is stored.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.finish();
        self.server.keys(BUCKET)
    }

    /// What the server holds under a key when everything is stored.
    pub(crate) fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.finish();
        self.server.get(BUCKET, key).map(|bytes| bytes.to_vec())
    }
}

/// A mount that is not served: what needs an answer waits.
pub(crate) struct Stopped(Pid);

impl Drop for Stopped {
    fn drop(&mut self) {
        kill(self.0, Signal::SIGCONT).unwrap();
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        drop(self.serving.stdin.take());
        let status = self.serving.wait().unwrap();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let left = mounts.contains(self.path().to_str().unwrap());
        if left {
            let _ = nix::mount::umount2(self.path(), nix::mount::MntFlags::MNT_DETACH);
        }
        if !std::thread::panicking() {
            assert!(status.success(), "{status}");
            assert!(!left, "the mount is still there");
        }
    }
}

/// `length` bytes of which every stretch is different.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        sleep(Duration::from_millis(5));
    }
}

/// The errno of a failed call.
pub(crate) fn errno<T: std::fmt::Debug>(result: std::io::Result<T>) -> nix::errno::Errno {
    nix::errno::Errno::from_raw(result.unwrap_err().raw_os_error().unwrap())
}
