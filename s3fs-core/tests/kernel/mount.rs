//! Mount served by a separate process.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3fs_core::{MountConfig, NotStored};
use tempfile::TempDir;

use crate::serve::{ANSWER, ARGUMENTS, Request};

/// Bucket mounted on a temporary folder until the value is dropped. A separate process serves it: a
/// process that uses its own mount can wait for itself, and then cannot even be killed.
pub(crate) struct Mount {
    folder: TempDir,
    serving: Child,
    answers: Mutex<BufReader<ChildStdout>>,
}

impl Mount {
    /// Mounts a bucket. `budget` is the limit in bytes on memory for file contents.
    pub(crate) fn start(config: MountConfig, budget: Option<u64>) -> Self {
        Self::start_with(config, budget, &[])
    }

    /// Mounts a bucket by a process with these variables.
    pub(crate) fn start_with(
        config: MountConfig,
        budget: Option<u64>,
        variables: &[(&str, &OsStr)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut serving = Command::new(std::env::current_exe().unwrap())
            .args(ARGUMENTS)
            .envs(variables.iter().copied())
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
        let mut mount = Self {
            folder,
            serving,
            answers,
        };
        assert_eq!(
            mount.ask(&serde_json::to_string(&request).unwrap()),
            "ready"
        );
        mount
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

    /// Stops serving the mount until the returned value is dropped.
    pub(crate) fn stop(&self) -> Stopped {
        let process = Pid::from_raw(self.serving.id().cast_signed());
        kill(process, Signal::SIGSTOP).unwrap();
        Stopped(process)
    }

    /// Returns the peak memory of the serving process, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.serving.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<u64>().unwrap() << 10
    }

    /// Returns the mount point of the bucket.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns a path in the mount.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the names in a folder, sorted.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.at(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Waits until everything is stored.
    pub(crate) fn finish(&self) -> Vec<NotStored> {
        writeln!(self.serving.stdin.as_ref().unwrap(), "finish").unwrap();
        serde_json::from_str(&self.answer()).unwrap()
    }
}

/// Mount that is not served: requests that need an answer wait.
pub(crate) struct Stopped(Pid);

impl Drop for Stopped {
    fn drop(&mut self) {
        kill(self.0, Signal::SIGCONT).unwrap();
    }
}

impl Drop for Mount {
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
