//! Process that uses a mount, as seen by the process that measures.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::interrupt;
use crate::scale::Scale;
use crate::workload::{Times, Workload};

/// Interval between polls of the process.
const GLANCE: Duration = Duration::from_millis(5);

/// Worker process, killed when this value is dropped.
pub struct Worker {
    process: Child,
    /// Standard error, in a file, because a pipe that nobody reads could fill up.
    errors: File,
}

impl Worker {
    /// Starts a process that runs this workload in the folder.
    pub fn start(workload: Workload, folder: &Path, scale: Scale) -> anyhow::Result<Self> {
        let errors = tempfile::tempfile()?;
        let process = Command::new(std::env::current_exe()?)
            .args(scale.to_arguments())
            .args(["work", &workload.to_string()])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors.try_clone()?)
            .spawn()?;
        Ok(Self { process, errors })
    }

    /// Waits until the process has ended, and returns the times of its work.
    pub fn wait(&mut self, timeout: Duration) -> anyhow::Result<Times> {
        let start = Instant::now();
        loop {
            match self.process.try_wait()? {
                Some(status) if status.success() => return self.times(),
                Some(status) => bail!("{}", self.reason(status)?),
                None => thread::sleep(GLANCE),
            }
            interrupt::check()?;
            ensure!(start.elapsed() < timeout, "it took longer than {timeout:?}");
        }
    }

    /// Kills the process. In a request that is never answered, it ends only when the mount does.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn times(&mut self) -> anyhow::Result<Times> {
        let mut words = String::new();
        let stdout = self.process.stdout.as_mut();
        stdout.context("no output")?.read_to_string(&mut words)?;
        Times::from_words(&words).context("no times")
    }

    /// Returns the first line of its error output.
    fn reason(&mut self, status: ExitStatus) -> anyhow::Result<String> {
        let mut text = String::new();
        self.errors.rewind()?;
        self.errors.read_to_string(&mut text)?;
        let first = text.lines().next();
        let reason = first.map(|line| line.trim_start_matches("Error: ").to_owned());
        Ok(reason.unwrap_or_else(|| status.to_string()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}
