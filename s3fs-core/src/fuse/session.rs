//! Session: a descriptor or mount point, the threads that serve it, and their end.

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
use crate::machine;

/// Session that serves a file system.
#[derive(Debug)]
pub struct Session {
    serving: JoinHandle<io::Result<()>>,
    /// Mount, if it was mounted here.
    mount: Option<MountEntry>,
}

/// Reason for the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// Unmounted.
    Unmounted,
    /// Aborted connection: still mounted, but no longer used by the kernel.
    Aborted,
}

/// Mount of a file system at a folder of the host.
#[derive(Clone, Copy, Debug)]
pub struct MountPoint<'a> {
    /// Folder to mount at.
    pub folder: &'a Path,
    /// Source that `mount` shows, of [`MountedFolder::source`](super::MountedFolder::source): a comma
    /// would end the option.
    pub source: &'a str,
    /// True to forbid all writes.
    pub read_only: bool,
    /// True to admit users other than the one who mounts.
    pub allow_other: bool,
}

impl Session {
    /// Serves on a mounted `/dev/fuse` descriptor.
    ///
    /// # Errors
    /// Fails if the kernel refuses the handshake, or if no thread can be started.
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
    /// Fails if it can't be mounted there.
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
            MountOption::FSName(point.source.to_owned()),
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

    /// Waits until the kernel no longer uses the file system.
    ///
    /// # Errors
    /// Fails if serving ended for another reason.
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

/// Returns whether the error means the end of the connection. The kernel returns one or another,
/// whatever the cause: it depends on which of its threads reads at that moment.
fn is_disconnected(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENODEV | libc::ECONNABORTED | libc::ENOTCONN)
    )
}

/// Unmounter of a session, which ends it.
#[derive(Debug)]
pub struct Unmount(SessionUnmounter);

impl Unmount {
    /// Unmounts. Works once: fuser forgets the mount, so a second call does nothing and succeeds.
    ///
    /// # Errors
    /// Fails if a program still uses it; it then stays mounted.
    pub fn unmount(&mut self) -> io::Result<()> {
        self.0.unmount()
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.n_threads = Some(machine::serving_threads());
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
