//! Volumes of a call, served by this process.

use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::thread::available_parallelism;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use s3fs_core::{
    Access, FileSystem, Finisher, MountConfig, MountedFolder, NotStored, Pending, PidNamespace,
    Resources, Serving, Usage,
};
use tokio::runtime::{Builder, Handle, Runtime};
use tracing::Instrument;

use crate::call::{SandboxStep, Volume};
use crate::local::keys::{Asker, reader};
use crate::protocol::{MountPoint, StartFailure};

use super::line::Line;

/// Maximum time for aborting uploads, once nobody waits for them.
const ABANDON_LIMIT: Duration = Duration::from_secs(10);

/// Maximum time for the kernel to let go of mounts that were unmounted. A program outside that was
/// given a descriptor holds a mount for longer; its connection ends with this process.
const JOIN_LIMIT: Duration = Duration::from_secs(1);

/// Maximum number of threads: encryption and checksums of sixteen cores fill any network, and more
/// threads only slow down the start.
const MOST_THREADS: usize = 16;

/// Volumes: first as buckets that answered, then as file systems that are being served.
#[derive(Debug)]
pub(super) struct Volumes {
    /// Runtime, until this value is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
    declared: Vec<Volume>,
    connected: Vec<Option<FileSystem>>,
    servings: Vec<Serving>,
    /// Requests and bytes of volumes that are no longer served.
    ended: Usage,
    /// Number of requests that changed objects, at the last look.
    changes: u64,
}

/// Account of objects that could not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Account while the work goes on.
    Interim,
    /// Last account, after which no change is accepted.
    Last,
}

/// Returns the data of a volume that init needs: nothing secret.
pub(super) fn mount_point(volume: &Volume) -> MountPoint {
    let config = &volume.mount;
    MountPoint {
        path: volume.path.clone(),
        bucket: config.bucket.to_string(),
        source: MountedFolder::source(&config.bucket, &config.prefix),
        read_only: config.access == Access::ReadOnly,
    }
}

impl Volumes {
    /// Starts the threads that serve.
    pub(super) fn new(declared: Vec<Volume>) -> Result<Self, StartFailure> {
        let threads = available_parallelism()
            .map_or(1, NonZero::get)
            .min(MOST_THREADS);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| StartFailure::Sandbox {
            step: SandboxStep::Process,
            reason: format!("threads can't be started: {error}"),
            remedy: None,
        })?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            declared,
            connected: Vec::new(),
            servings: Vec::new(),
            ended: Usage::default(),
            changes: 0,
        })
    }

    /// Connects to all buckets at once, in the background. From then on, uploads are reported to the caller.
    pub(super) fn connect(
        &self,
        caller: Line,
        keys: Option<Asker>,
        then: impl FnOnce(Result<Vec<FileSystem>, StartFailure>) + Send + 'static,
    ) {
        let declared = self.declared.clone();
        let connecting = async move { then(connect(declared, &caller, keys.as_ref()).await) };
        self.handle.spawn(connecting.in_current_span());
    }

    /// Takes the file systems that `connect` has made.
    pub(super) fn connected(&mut self, systems: Vec<FileSystem>) {
        self.connected = systems.into_iter().map(Some).collect();
    }

    /// Starts serving a volume that has just been mounted, by a process of this pid namespace.
    pub(super) fn serve(
        &mut self,
        volume: usize,
        fuse: OwnedFd,
        mounter: PidNamespace,
    ) -> Result<(), StartFailure> {
        let system = self.connected.get_mut(volume).and_then(Option::take);
        let (Some(system), Some(declared)) = (system, self.declared.get(volume)) else {
            let reason = format!("volume {volume} was mounted unasked");
            return Err(StartFailure::Protocol { reason });
        };
        let _context = self.handle.enter();
        let serving = system
            .serve(fuse, mounter)
            .map_err(|error| StartFailure::Volume {
                path: declared.path.clone(),
                bucket: declared.mount.bucket.to_string(),
                reason: format!("the kernel refuses to use the file system: {error}"),
            })?;
        self.servings.push(serving);
        Ok(())
    }

    /// Returns the requests and bytes of the buckets until now.
    pub(super) fn usage(&self) -> Usage {
        let mut all = self.ended;
        for serving in &self.servings {
            all += serving.usage();
        }
        all
    }

    /// Returns whether requests have changed objects since the last look.
    pub(super) fn has_written(&mut self) -> bool {
        let usage = self.usage();
        let changes = usage.puts + usage.deletes;
        std::mem::replace(&mut self.changes, changes) != changes
    }

    /// Returns the files and bytes that are written and not stored yet.
    pub(super) fn pending(&self) -> Pending {
        let mut all = Pending::default();
        for serving in &self.servings {
            all += serving.pending();
        }
        all
    }

    /// Finishes all uploads, in the background. `then` gets the objects that could not be stored.
    pub(super) fn store(
        &self,
        account: Account,
        then: impl FnOnce(Vec<NotStored>) + Send + 'static,
    ) {
        let finishers: Vec<_> = self.servings.iter().map(Serving::finisher).collect();
        self.handle.spawn(async move {
            let lost = match account {
                Account::Interim => join_all(finishers.iter().map(Finisher::finish)).await,
                Account::Last => join_all(finishers.iter().map(Finisher::finish_for_good)).await,
            };
            then(lost.into_iter().flatten().collect());
        });
    }

    /// Gives up buckets that carry out no request for a while.
    pub(super) fn limit_silence(&self) {
        for serving in &self.servings {
            serving.limit_silence();
        }
    }

    /// Answers operations that wait for a bucket.
    pub(super) fn end_waits(&self) {
        for serving in &self.servings {
            serving.end_waits();
        }
    }

    /// Sends no more requests to the buckets.
    pub(super) fn end_requests(&self) {
        for serving in &self.servings {
            serving.end_requests();
        }
    }

    /// Stores nothing from now on.
    pub(super) fn refuse(&self) {
        for serving in &self.servings {
            serving.refuse();
        }
    }

    /// Aborts all uploads.
    pub(super) fn abandon(&self) {
        let all = join_all(self.servings.iter().map(Serving::abandon));
        let limited = async { tokio::time::timeout(ABANDON_LIMIT, all).await };
        if self.handle.block_on(limited).is_err() {
            tracing::warn!("failed to abort all open uploads in time");
        }
    }

    /// Waits for the ends of the file systems' loops, which end with their mounts.
    pub(super) fn join(&mut self) {
        self.ended = self.usage();
        let servings = self.servings.drain(..);
        let loops: Vec<_> = servings
            .map(|serving| self.handle.spawn_blocking(move || serving.join()))
            .collect();
        let limited = async { tokio::time::timeout(JOIN_LIMIT, join_all(loops)).await };
        let Ok(results) = self.handle.block_on(limited) else {
            tracing::warn!("a mount is still in use; it ends with this process");
            return;
        };
        for error in results.into_iter().flatten().filter_map(Result::err) {
            tracing::warn!(%error, "file system session failed");
        }
    }
}

impl Drop for Volumes {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // What is still running is a request that nobody waits for, or a mount that is in use.
            runtime.shutdown_background();
        }
    }
}

async fn connect(
    volumes: Vec<Volume>,
    caller: &Line,
    keys: Option<&Asker>,
) -> Result<Vec<FileSystem>, StartFailure> {
    let resources = Resources::for_mounts(volumes.iter().map(|volume| &volume.mount));
    let one = |(index, Volume { path, mount }): (usize, Volume)| {
        let (resources, observer) = (&resources, caller.observer(index));
        async move {
            let mount = MountConfig {
                key_reader: Some(reader(&mount, index, keys)),
                ..mount
            };
            let bucket = mount.bucket.to_string();
            FileSystem::connect_observed(mount, resources, observer)
                .await
                .map_err(|error| StartFailure::Volume {
                    path,
                    bucket,
                    reason: error.to_string(),
                })
        }
    };
    try_join_all(volumes.into_iter().enumerate().map(one)).await
}
