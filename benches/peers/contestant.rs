//! Contestants of a comparison, and runs of them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::ensure;
use nix::time::{ClockId, clock_gettime};
use tempfile::TempDir;

use crate::arguments::Arguments;
use crate::bucket::{Bucket, content};
use crate::disk;
use crate::mounted::{Ended, Mounted};
use crate::program::Program;
use crate::report::Measure;
use crate::usage::Usage;
use crate::worker::Worker;
use crate::workload::{FILE, Procedure, Workload};

/// Time for a program to record the content of its cache on disk. rclone does so when a file was not
/// read for five seconds.
const SETTLE: Duration = Duration::from_secs(6);

/// Contestant of a comparison.
pub enum Contestant<'a> {
    Program(&'a Program),
    /// Baseline for programs with a cache on disk.
    LocalFile,
}

/// Workload, arguments and bucket of a run.
pub struct Run<'a> {
    pub workload: Workload,
    pub arguments: &'a Arguments,
    pub bucket: &'a mut Bucket,
}

impl Contestant<'_> {
    /// Returns the name in the report.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Program(program) => program.name(),
            Self::LocalFile => "a local file",
        }
    }

    /// Returns whether the others are compared with this one.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Program(program) => program.is_ours(),
            Self::LocalFile => false,
        }
    }

    /// Measures one run, on a fresh mount.
    pub fn measure(&self, run: &mut Run<'_>) -> anyhow::Result<Measure> {
        let Self::Program(program) = self else {
            return run.on_the_disk();
        };
        match run.workload.procedure() {
            Procedure::Once => run.once(program),
            Procedure::Twice => run.twice(program),
            Procedure::WhileMounting => run.while_mounting(program),
            Procedure::FromCache => run.cached(program),
            Procedure::UntilStored => run.until_stored(program),
        }
    }
}

impl Run<'_> {
    fn once(&mut self, program: &Program) -> anyhow::Result<Measure> {
        let mounted = self.mount(program)?;
        let measure = self.work(&mounted)?;
        unmount(mounted, program)?;
        if let Some(key) = self.workload.writes()
            && program.shows_objects()
        {
            self.bucket.take(key, self.arguments.scale.size)?;
        }
        Ok(measure)
    }

    /// Runs the workload twice in the same mount; the second run counts.
    fn twice(&mut self, program: &Program) -> anyhow::Result<Measure> {
        let mounted = self.mount(program)?;
        self.work(&mounted)?;
        let measure = self.work(&mounted)?;
        unmount(mounted, program)?;
        Ok(measure)
    }

    /// Measures from the start of mounting: the worker starts first and waits for the mount.
    fn while_mounting(&mut self, program: &Program) -> anyhow::Result<Measure> {
        let folder = TempDir::with_prefix("bench-")?;
        let mut worker = Worker::start(self.workload, folder.path(), self.arguments.scale)?;
        let command = program.command(self.bucket, self.arguments.https.as_deref(), folder.path());
        self.bucket.requests()?;
        let begin = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
        let mounted = Mounted::new(command, folder)?;
        let times = mounted.wait(&mut worker, self.arguments.timeout)?;
        let usage = mounted.usage()?;
        let requests = self.bucket.requests()?;
        unmount(mounted, program)?;
        Ok(Measure {
            wall: times.end.saturating_sub(begin),
            usage: Some(usage),
            requests: Some(requests),
            reads: times.reads,
        })
    }

    /// Measures on a mount whose cache on disk was filled by an earlier mount; the kernel's caches are
    /// empty.
    fn cached(&mut self, program: &Program) -> anyhow::Result<Measure> {
        // Ours is refused if others could read it.
        let private = Permissions::from_mode(0o700);
        let cache = tempfile::Builder::new()
            .prefix("bench-cache-")
            .permissions(private)
            .tempdir()?;
        let mounted = self.mount_with_cache(program, cache.path())?;
        self.work(&mounted)?;
        thread::sleep(SETTLE);
        unmount(mounted, program)?;
        disk::cool(cache.path())?;
        let mounted = self.mount_with_cache(program, cache.path())?;
        let measure = self.work(&mounted)?;
        unmount(mounted, program)?;
        Ok(measure)
    }

    /// Measures until the mounting program has ended.
    fn until_stored(&mut self, program: &Program) -> anyhow::Result<Measure> {
        program.fill(self.workload, self.bucket, self.arguments)?;
        let mounted = self.mount(program)?;
        let before = mounted.usage()?;
        self.bucket.requests()?;
        let arguments = self.arguments;
        let mut worker = Worker::start(self.workload, mounted.folder(), arguments.scale)?;
        let times = mounted.wait(&mut worker, arguments.timeout)?;
        let (ended, usage) = mounted.unmount_watching(arguments.timeout)?;
        let end = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
        ensure!(ended == Ended::ByItself, "it did not end");
        let requests = self.bucket.requests()?;
        if let Some(expected) = self.workload.leaves(arguments.scale)
            && program.shows_objects()
        {
            let found = self.bucket.count()?;
            ensure!(
                found == expected,
                "{found} files are stored, not {expected}"
            );
        }
        Ok(Measure {
            wall: end.saturating_sub(times.begin),
            usage: Some(usage.since(before)),
            requests: Some(requests),
            reads: times.reads,
        })
    }

    fn on_the_disk(&mut self) -> anyhow::Result<Measure> {
        let folder = TempDir::with_prefix("bench-local-")?;
        let object = content::object(0, self.arguments.scale.size);
        fs::write(folder.path().join(FILE), object)?;
        disk::cool(folder.path())?;
        let mut worker = Worker::start(self.workload, folder.path(), self.arguments.scale)?;
        let times = worker.wait(self.arguments.timeout)?;
        Ok(Measure {
            wall: times.end.saturating_sub(times.begin),
            usage: None,
            requests: None,
            reads: times.reads,
        })
    }

    fn mount(&self, program: &Program) -> anyhow::Result<Mounted> {
        let folder = TempDir::with_prefix("bench-")?;
        let command = program.command(self.bucket, self.arguments.https.as_deref(), folder.path());
        Mounted::new(command, folder)
    }

    fn mount_with_cache(&self, program: &Program, cache: &Path) -> anyhow::Result<Mounted> {
        let folder = TempDir::with_prefix("bench-")?;
        let mut command =
            program.command(self.bucket, self.arguments.https.as_deref(), folder.path());
        let cached = program.set_cache(&mut command, cache);
        ensure!(cached, "its cache on disk is not known here");
        Mounted::new(command, folder)
    }

    fn work(&mut self, mounted: &Mounted) -> anyhow::Result<Measure> {
        let before: Usage = mounted.usage()?;
        self.bucket.requests()?;
        let arguments = self.arguments;
        let mut worker = Worker::start(self.workload, mounted.folder(), arguments.scale)?;
        let times = mounted.wait(&mut worker, arguments.timeout)?;
        let after = mounted.usage()?;
        let requests = self.bucket.requests()?;
        Ok(Measure {
            wall: times.end.saturating_sub(times.begin),
            usage: Some(after.since(before)),
            requests: Some(requests),
            reads: times.reads,
        })
    }
}

fn unmount(mounted: Mounted, program: &Program) -> anyhow::Result<()> {
    if mounted.unmount()? == Ended::Killed {
        println!("{} had to be killed after it was unmounted", program.name());
    }
    Ok(())
}
