//! A file system attached to a folder of this machine.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use s3fs_core::{
    Access, FileSystem, Finisher, MountConfig, MountPoint, Mounted, NotStored, Resources, Unmount,
};
use tokio::task::{self, JoinHandle};

/// A bucket that is mounted. To be unmounted explicitly: what is left to store comes first.
#[derive(Debug)]
pub(super) struct Attached {
    folder: PathBuf,
    finisher: Finisher,
    unmount: Unmount,
    /// Ends with the mount; `None` when that has been seen.
    serving: Option<JoinHandle<io::Result<()>>>,
}

impl Attached {
    /// Connects, then mounts and serves.
    pub(super) async fn new(
        config: MountConfig,
        folder: &Path,
        allow_other: bool,
    ) -> anyhow::Result<Self> {
        if !folder.is_dir() {
            bail!("can't mount at `{}`: it is not a folder", folder.display());
        }
        let source = format!("s3://{}/{}", config.bucket, config.prefix);
        let read_only = config.access == Access::ReadOnly;
        let resources = Resources::default();
        let notes = config.rescue.as_deref().and_then(Path::parent);
        let file_system = match notes.filter(|_| !read_only) {
            Some(state) => {
                let folder = state.join("uploads");
                FileSystem::connect_noting(config, &resources, &folder).await?
            }
            None => FileSystem::connect(config, &resources).await?,
        };
        let point = MountPoint {
            folder,
            source: &source,
            read_only,
            allow_other,
        };
        let mounted = file_system.mount_at(&point);
        let Mounted { serving, unmount } =
            mounted.with_context(|| format!("can't mount at `{}`", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            finisher: serving.finisher(),
            unmount,
            serving: Some(task::spawn_blocking(|| serving.join())),
        })
    }

    /// Waits until somebody unmounts it.
    pub(super) async fn unmounted(&mut self) -> anyhow::Result<()> {
        let Some(serving) = &mut self.serving else {
            return Ok(());
        };
        let ended = serving.await;
        self.serving = None;
        ended?.context("serving the file system ended")
    }

    /// Stores everything written; returns what could not be.
    pub(super) async fn finish(&self) -> Vec<NotStored> {
        self.finisher.finish().await
    }

    /// Drops what is not stored yet.
    pub(super) async fn abandon(&self) {
        self.finisher.abandon().await;
    }

    /// Unmounts it if nobody else has. Programs that still use it keep what they have open.
    pub(super) fn unmount(&mut self) -> anyhow::Result<()> {
        if self.serving.as_ref().is_none_or(JoinHandle::is_finished) {
            return Ok(());
        }
        let Err(busy) = self.unmount.unmount() else {
            return Ok(());
        };
        match umount2(&self.folder, MntFlags::MNT_DETACH) {
            Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => Ok(()),
            Err(_) => {
                Err(busy).with_context(|| format!("can't unmount `{}`", self.folder.display()))
            }
        }
    }
}
