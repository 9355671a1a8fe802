//! Serving: a descriptor or a mount point, the threads that read it, and their end.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use fuser::{Config, MountOption, SessionACL, SessionUnmounter};
use tokio::runtime::Handle;

use super::adapter::Adapter;
use super::kernel::Kernel;
use crate::fs::Fs;

/// Threads that read requests. While one copies a megabyte of a write, another can answer.
const THREADS: usize = 2;

/// A file system being served.
#[derive(Debug)]
pub struct Session {
    serving: JoinHandle<io::Result<()>>,
}

/// How a file system is mounted at a folder of the host.
#[derive(Clone, Copy, Debug)]
pub struct MountPoint<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// What `mount` shows as its source.
    pub source: &'a str,
    /// No writes at all.
    pub read_only: bool,
    /// Users other than the one who mounts may use it.
    pub allow_other: bool,
}

impl Session {
    /// Serves on a mounted `/dev/fuse` descriptor.
    ///
    /// # Errors
    /// The kernel refuses the handshake, or no thread can be started.
    pub fn on_descriptor(fs: &Arc<Fs>, fuse: OwnedFd, runtime: Handle) -> io::Result<Self> {
        let adapter = Adapter::new(Arc::clone(fs), runtime);
        // In a user namespace, requests come with ids that the kernel has checked already.
        let session = fuser::Session::from_fd(adapter, fuse, SessionACL::All, config())?;
        fs.set_kernel(Arc::new(Kernel(session.notifier())));
        Self::run(session)
    }

    /// Mounts at a folder and serves: by `mount(2)` as root, by `fusermount3` otherwise.
    ///
    /// # Errors
    /// It can't be mounted there.
    pub fn at(
        fs: &Arc<Fs>,
        point: &MountPoint<'_>,
        runtime: Handle,
    ) -> io::Result<(Self, Unmount)> {
        let mut config = config();
        config.acl = if point.allow_other {
            SessionACL::All
        } else {
            SessionACL::Owner
        };
        config.mount_options = vec![
            // A comma would end the option.
            MountOption::FSName(point.source.replace(',', "_")),
            MountOption::Subtype("stub".into()),
            MountOption::DefaultPermissions,
            MountOption::NoSuid,
            MountOption::NoDev,
            if point.read_only {
                MountOption::RO
            } else {
                MountOption::RW
            },
        ];
        let adapter = Adapter::new(Arc::clone(fs), runtime);
        let mut session = fuser::Session::new(adapter, point.folder, &config)?;
        fs.set_kernel(Arc::new(Kernel(session.notifier())));
        let unmount = Unmount(session.unmount_callable());
        Ok((Self::run(session)?, unmount))
    }

    fn run(session: fuser::Session<Adapter>) -> io::Result<Self> {
        let thread = std::thread::Builder::new().name("fuse".into());
        Ok(Self {
            serving: thread.spawn(move || session.run())?,
        })
    }

    /// Waits until the file system is unmounted.
    ///
    /// # Errors
    /// Serving ended for another reason.
    pub fn join(self) -> io::Result<()> {
        match self.serving.join() {
            Ok(result) => result,
            Err(_) => Err(io::Error::other(
                "the thread that serves the file system panicked",
            )),
        }
    }
}

/// Takes the mount away, so that serving ends.
#[derive(Debug)]
pub struct Unmount(SessionUnmounter);

impl Unmount {
    /// Unmounts. Once: fuser forgets the mount, so that a second call does nothing and succeeds.
    ///
    /// # Errors
    /// A program still uses it, and it is still mounted.
    pub fn unmount(&mut self) -> io::Result<()> {
        self.0.unmount()
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.n_threads = Some(THREADS);
    config
}
