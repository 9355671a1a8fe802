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
use super::mounts::MountEntry;
use crate::fs::Fs;

/// Threads that read requests. While one copies a megabyte of a write, another can answer.
const THREADS: usize = 2;

/// A file system being served.
#[derive(Debug)]
pub struct Session {
    serving: JoinHandle<io::Result<()>>,
    /// Of one that was mounted here.
    mount: Option<MountEntry>,
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// The mount is gone.
    Unmounted,
    /// The mount is still there, but the kernel uses it no more: its connection was aborted.
    Aborted,
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
        Self::run(fs, session, None)
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
        let mount = point.folder.canonicalize().ok();
        let mount = mount.and_then(|folder| MountEntry::at(&folder));
        Ok((Self::run(fs, session, mount)?, unmount))
    }

    fn run(
        fs: &Arc<Fs>,
        session: fuser::Session<Adapter>,
        mount: Option<MountEntry>,
    ) -> io::Result<Self> {
        let fs = Arc::clone(fs);
        let thread = std::thread::Builder::new().name("fuse".into());
        Ok(Self {
            serving: thread.spawn(move || {
                let ended = session.run();
                fs.kernel_has_left();
                ended
            })?,
            mount,
        })
    }

    /// Waits until the kernel uses the file system no more.
    ///
    /// # Errors
    /// Serving ended for a reason of its own.
    pub fn join(self) -> io::Result<SessionEnd> {
        let ended = self.serving.join();
        match ended {
            Ok(Err(error)) if !is_disconnected(&error) => return Err(error),
            Ok(_) => {}
            Err(_) => {
                let reason = "the thread that serves the file system panicked";
                return Err(io::Error::other(reason));
            }
        }
        match self.mount {
            Some(mount) if mount.is_mounted() => Ok(SessionEnd::Aborted),
            _ => Ok(SessionEnd::Unmounted),
        }
    }
}

/// The kernel says one or the other by chance when a connection ends, whatever the cause: which of
/// its threads reads at that moment decides.
fn is_disconnected(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENODEV | libc::ECONNABORTED | libc::ENOTCONN)
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_kernel_says_at_the_end_of_a_connection_is_no_failure() {
        for errno in [libc::ENODEV, libc::ECONNABORTED, libc::ENOTCONN] {
            assert!(is_disconnected(&io::Error::from_raw_os_error(errno)));
        }
        for errno in [libc::EIO, libc::EINVAL, libc::EBADF] {
            assert!(!is_disconnected(&io::Error::from_raw_os_error(errno)));
        }
        assert!(!is_disconnected(&io::Error::other("Invalid request")));
    }
}
