//! Bucket mounted by one of the programs.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::connection::Connection;
use crate::interrupt;
use crate::usage::Usage;
use crate::worker::Worker;
use crate::workload::Times;

/// Maximum time for a program to mount, or to end after it was unmounted.
const PATIENCE: Duration = Duration::from_secs(30);

/// Interval between polls.
const GLANCE: Duration = Duration::from_millis(5);

/// Programs that unmount: as root, else the helper that mounted for us.
const UNMOUNT: [&[&str]; 3] = [&["umount"], &["fusermount3", "-u"], &["fusermount", "-u"]];

/// Programs that detach a mount that is still in use.
const DETACH: [&[&str]; 3] = [
    &["umount", "-l"],
    &["fusermount3", "-uz"],
    &["fusermount", "-uz"],
];

/// Mount with its serving process. Dropping it ends both.
pub struct Mounted {
    process: Child,
    connection: Option<Connection>,
    folder: TempDir,
}

/// End of a program after its mount was unmounted.
#[derive(PartialEq, Eq)]
pub enum Ended {
    ByItself,
    /// Killed after a long time. The measured work had finished before.
    Killed,
}

impl Mounted {
    /// Runs the command, which mounts on this folder, and waits for the mount.
    pub fn new(mut command: Command, folder: TempDir) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.spawn().context("start the program")?;
        let mut mounted = Self {
            process,
            connection: None,
            folder,
        };
        let start = Instant::now();
        while mounted.connection.is_none() {
            interrupt::check()?;
            if let Some(status) = mounted.process.try_wait()? {
                bail!("it did not mount: {status}");
            }
            if start.elapsed() > PATIENCE {
                bail!("it did not mount within {PATIENCE:?}");
            }
            thread::sleep(GLANCE);
            mounted.connection = Connection::find(mounted.folder.path())?;
        }
        Ok(mounted)
    }

    /// Returns the mount point of the bucket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the resource usage of the process so far.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.process.id()).context("the process that serves the mount")
    }

    /// Waits for a process that uses the mount. If that takes too long, the connection is aborted, so
    /// that the process can be killed even in a request that is never answered.
    pub fn wait(&self, worker: &mut Worker, timeout: Duration) -> anyhow::Result<Times> {
        worker.wait(timeout).inspect_err(|_| {
            self.abort();
            worker.kill();
        })
    }

    /// Unmounts, and waits until the process has ended, after it has stored everything.
    pub fn unmount(self) -> anyhow::Result<Ended> {
        Ok(self.unmount_watching(PATIENCE)?.0)
    }

    /// Unmounts like [`unmount`](Self::unmount), and returns the process's resource usage shortly before
    /// its end.
    pub fn unmount_watching(mut self, patience: Duration) -> anyhow::Result<(Ended, Usage)> {
        let mut usage = self.usage()?;
        if !self.umount(UNMOUNT) {
            bail!("can't unmount");
        }
        self.connection = None;
        let start = Instant::now();
        while start.elapsed() < patience {
            interrupt::check()?;
            match self.process.try_wait()? {
                Some(status) if status.success() => return Ok((Ended::ByItself, usage)),
                Some(status) => bail!("the program ended with {status}"),
                None => thread::sleep(GLANCE),
            }
            // It may end at any moment, and its children before it.
            match self.usage() {
                Ok(now) if now.cpu >= usage.cpu => usage = now,
                _ => {}
            }
        }
        Ok((Ended::Killed, usage))
    }

    fn umount(&self, tools: [&[&str]; 3]) -> bool {
        tools.iter().any(|tool| {
            let mut command = Command::new(tool[0]);
            command.args(&tool[1..]).arg(self.folder.path());
            command.stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        })
    }

    fn abort(&self) {
        if let Some(connection) = &self.connection {
            connection.abort();
        }
    }
}

impl Drop for Mounted {
    /// Cleans up after a failure; after a success there may be nothing left to do.
    fn drop(&mut self) {
        self.abort();
        let _ = self.process.kill();
        let _ = self.process.wait();
        // It may have mounted after we looked last.
        if let Ok(Some(left)) = Connection::find(self.folder.path()) {
            left.abort();
            self.umount(DETACH);
        }
    }
}
