//! File system mounted on a folder of this machine.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use s3fs_core::{
    Access, FileSystem, Finisher, MountConfig, MountEntry, MountPoint, Mounted, MountedFolder,
    Resources, Unmount,
};
use tokio::task::{self, JoinHandle};
use tokio::time::timeout;

use super::guardian::Guardian;

/// Maximum time to wait for the kernel to end an unmounted, unused mount.
const LET_GO: Duration = Duration::from_secs(1);

/// Mounted bucket. Must be unmounted explicitly, after its data has been stored.
#[derive(Debug)]
pub(super) struct Attached {
    finisher: Finisher,
    unmount: Unmount,
    entry: MountEntry,
    /// Task that ends with the mount; `None` once its end was handled.
    serving: Option<JoinHandle<io::Result<()>>>,
    _guardian: Guardian,
}

impl Attached {
    /// Connects to the bucket, then mounts and serves it.
    pub(super) async fn new(
        config: MountConfig,
        folder: &Path,
        allow_other: bool,
    ) -> anyhow::Result<Self> {
        let source = MountedFolder::source(&config.bucket, &config.prefix);
        let read_only = config.access == Access::ReadOnly;
        let resources = Resources::for_mounts([&config]);
        let notes = config.rescue.as_deref().and_then(Path::parent);
        let file_system = match notes.filter(|_| !read_only) {
            Some(state) => {
                let folder = state.join("uploads");
                Box::pin(FileSystem::connect_noting(config, &resources, &folder)).await?
            }
            None => FileSystem::connect(config, &resources).await?,
        };
        let point = MountPoint {
            folder,
            source: &source,
            read_only,
            allow_other,
        };
        let words = || format!("failed to mount at `{}`", folder.display());
        let mounted = file_system.mount_at(&point);
        let Mounted {
            serving,
            mut unmount,
        } = mounted.with_context(words)?;
        let watched = || {
            let entry = MountEntry::at(folder).with_context(words)?;
            let guardian = Guardian::start(&entry)
                .context("failed to start the process that unmounts if this one is killed")?;
            anyhow::Ok((entry, guardian))
        };
        let (entry, guardian) = watched().inspect_err(|_| drop(unmount.unmount()))?;
        Ok(Self {
            finisher: serving.finisher(),
            unmount,
            entry,
            serving: Some(task::spawn_blocking(|| serving.join())),
            _guardian: guardian,
        })
    }

    /// Waits until the bucket is unmounted.
    pub(super) async fn unmounted(&mut self) -> anyhow::Result<()> {
        let Some(serving) = &mut self.serving else {
            return Ok(());
        };
        let ended = serving.await;
        self.serving = None;
        ended?.context("failed to serve the file system")
    }

    /// Returns the handle that stores what was written and reports unstored objects.
    pub(super) fn finisher(&self) -> Finisher {
        self.finisher.clone()
    }

    /// Unmounts the bucket unless it is unmounted already. Programs that still use it keep their open
    /// files, but can change nothing after this returns.
    pub(super) async fn unmount(&mut self) -> anyhow::Result<()> {
        if self.entry.is_uppermost() {
            // Busy, or aborted: then it is detached.
            let _ = self.unmount.unmount();
        }
        let detached = self.entry.detach();
        // It ends with the kernel's last request, unless programs still use it.
        let _ = timeout(LET_GO, self.unmounted()).await;
        self.finisher.close().await;
        detached.context("failed to unmount the bucket")
    }
}
