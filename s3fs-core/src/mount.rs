//! Connection, mounting and serving of a bucket: the crate's main interface.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tracing::Instrument;

use crate::cache::{CacheError, Cached, Space};
use crate::config::MountConfig;
use crate::fs::{Fs, NotStored, Pending, PidNamespace};
use crate::fuse::{MountPoint, Session, SessionEnd, Unmount};
use crate::journal::Journal;
use crate::resources::Resources;
use crate::store::s3::{ConnectError, connect};
use crate::store::{Observed, Store, UploadObserver};
use crate::sweep::abort_uploads;
use crate::usage::{Meter, Usage};
use crate::warm::{Warming, warm_folders};

/// Error of mounting a bucket.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// Failure to connect to the bucket.
    #[error(transparent)]
    Bucket(#[from] ConnectError),
    /// Refusal of the folder that was given as a cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Connected file system: the bucket exists, the credentials are valid, and it can be listed.
#[derive(Debug)]
pub struct FileSystem {
    fs: Arc<Fs>,
    meter: Meter,
}

/// File system that is being served.
#[derive(Debug)]
pub struct Serving {
    fs: Arc<Fs>,
    meter: Meter,
    session: Session,
}

/// File system that is mounted at a folder of the host.
#[derive(Debug)]
pub struct Mounted {
    /// File system that is being served.
    pub serving: Serving,
    /// Handle to unmount it.
    pub unmount: Unmount,
}

impl FileSystem {
    /// Opens the cache, connects to the bucket and lists the root once.
    ///
    /// # Errors
    /// Fails if the bucket doesn't exist, the credentials are refused, the endpoint doesn't
    /// respond, the cache's folder must not be used…
    pub async fn connect(config: MountConfig, resources: &Resources) -> Result<Self, MountError> {
        Self::connect_as(config, resources, None).await
    }

    /// Connects like [`connect`](Self::connect). Reports every multipart upload to `observer`, so
    /// that [`abort_uploads`] can abort them if this process is killed.
    ///
    /// # Errors
    /// Fails like [`connect`](Self::connect).
    pub async fn connect_observed(
        config: MountConfig,
        resources: &Resources,
        observer: Arc<dyn UploadObserver>,
    ) -> Result<Self, MountError> {
        Self::connect_as(config, resources, Some(observer)).await
    }

    /// Connects like [`connect`](Self::connect), and records unfinished uploads in a folder of the
    /// local disk, which is created if it is missing. Uploads that a killed mount of the same
    /// bucket left there are aborted in the background.
    ///
    /// # Errors
    /// Fails like [`connect`](Self::connect).
    pub async fn connect_noting(
        config: MountConfig,
        resources: &Resources,
        folder: &Path,
    ) -> Result<Self, MountError> {
        let journal = Arc::new(Journal::new(folder, &config));
        let observer = Arc::clone(&journal) as Arc<dyn UploadObserver>;
        let connected = Self::connect_observed(config.clone(), resources, observer).await?;
        let resources = resources.clone();
        tokio::spawn(async move {
            for mut left in journal.left() {
                let uploads = std::mem::take(&mut left.uploads);
                match abort_uploads(&config, &resources, uploads).await {
                    Ok(failures) if failures.is_empty() => left.done(),
                    Ok(failures) => tracing::warn!(
                        ?failures,
                        "failed to abort open uploads of an earlier mount"
                    ),
                    Err(error) => {
                        tracing::warn!(%error, "failed to abort open uploads of an earlier mount");
                    }
                }
            }
        });
        Ok(connected)
    }

    async fn connect_as(
        config: MountConfig,
        resources: &Resources,
        uploads: Option<Arc<dyn UploadObserver>>,
    ) -> Result<Self, MountError> {
        let cache = match &config.cache {
            Some(cache) => resources.caches.open(cache).await?,
            None => None,
        };
        let asked = Instant::now();
        let meter = Meter::default();
        let MountConfig { bucket, prefix, .. } = &config;
        let mount = tracing::info_span!("mount", %bucket, %prefix);
        let connecting = connect(&config, &resources.http);
        let (store, page) = connecting.instrument(mount.clone()).await?;
        // The first page of the root, which tells that the bucket is there.
        meter.list();
        let space = Space::new(store.single().endpoint_url(), &config.bucket);
        if let Some(cache) = &cache {
            let store = Observed::new(store.clone(), mount.clone(), meter.clone(), None);
            // Apart: hardly any mount is warmed, and this would be most of its future.
            let store: Arc<dyn Store> = Arc::new(store);
            let warming = |prefix| {
                let (store, cache) = (Arc::clone(&store), Arc::clone(cache));
                let budget = resources.shared.budget.clone();
                Warming::new(store, cache, space.clone(), prefix, budget)
            };
            Box::pin(warm_folders(&config.prefix, &config.warm, warming)).await;
        }
        let store = Observed::new(store, mount, meter.clone(), uploads);
        let store: Arc<dyn Store> = match cache {
            Some(cache) => Arc::new(Cached::new(store, cache, space)),
            None => Arc::new(store),
        };
        let fs = Fs::new(store, &config, &resources.shared, page, asked);
        Ok(Self { fs, meter })
    }

    /// Serves on a `/dev/fuse` descriptor that has just been mounted. Does the FUSE handshake
    /// before it returns, then serves from its own threads and the current tokio runtime. `mounter`
    /// is the pid namespace of the process that mounted.
    ///
    /// # Errors
    /// Fails if the kernel refuses the handshake.
    pub fn serve(self, fuse: OwnedFd, mounter: PidNamespace) -> io::Result<Serving> {
        self.fs.set_requesters(mounter);
        let session = Session::on_descriptor(&self.fs, fuse, Handle::current())?;
        Ok(Serving {
            fs: self.fs,
            meter: self.meter,
            session,
        })
    }

    /// Mounts at a folder of the host and serves there: as root by itself, as an ordinary user with
    /// the help of `fusermount3`.
    ///
    /// # Errors
    /// Fails if it can't be mounted there.
    pub fn mount_at(self, point: &MountPoint<'_>) -> io::Result<Mounted> {
        let (session, unmount) = Session::at(&self.fs, point, Handle::current())?;
        Ok(Mounted {
            serving: Serving {
                fs: self.fs,
                meter: self.meter,
                session,
            },
            unmount,
        })
    }
}

/// Handle to store written data and report failures, beside the thread that waits in
/// [`Serving::join`].
#[derive(Clone, Debug)]
pub struct Finisher(Arc<Fs>);

impl Finisher {
    /// Does the same as [`Serving::finish`].
    pub async fn finish(&self) -> Vec<NotStored> {
        self.0.finish().await
    }

    /// Finishes the whole mount before it is unmounted, like [`Serving::close`] and
    /// [`Serving::finish`]. If the connection to the kernel was cut by then, files that were open
    /// for writing count as not stored.
    pub async fn finish_for_good(&self) -> Vec<NotStored> {
        self.0.close().await;
        let lost = self.0.finish().await;
        if !self.0.is_cut_off() {
            return lost;
        }
        self.0.connection_lost();
        self.0.finish().await
    }

    /// Does the same as [`Serving::close`].
    pub async fn close(&self) {
        self.0.close().await;
    }

    /// Does the same as [`Serving::end_waits`].
    pub fn end_waits(&self) {
        self.0.end().end_waits();
    }

    /// Does the same as [`Serving::end_requests`].
    pub fn end_requests(&self) {
        self.0.end().end_requests();
    }

    /// Does the same as [`Serving::pending`].
    pub fn pending(&self) -> Pending {
        self.0.pending()
    }

    /// Does the same as [`Serving::abandon`].
    pub async fn abandon(&self) {
        self.0.abandon().await;
    }
}

impl Serving {
    /// Waits until everything written until now is in the bucket and returns what could not be stored.
    /// Files still open for writing are stored as they are, and what programs write meanwhile is not waited
    /// for. After [`close`](Self::close), it is the last account.
    pub async fn finish(&self) -> Vec<NotStored> {
        self.fs.finish().await
    }

    /// Returns the data that is written and not stored yet. Cheap enough to call several times a
    /// second while another task waits for [`finish`](Self::finish).
    pub fn pending(&self) -> Pending {
        self.fs.pending()
    }

    /// Returns the number of requests to the bucket so far.
    pub fn usage(&self) -> Usage {
        self.meter.read()
    }

    /// Refuses every change from now on: the next result of [`finish`](Self::finish) is final.
    pub async fn close(&self) {
        self.fs.close().await;
    }

    /// Answers all operations that wait for the bucket with an error, now and from now on. Written
    /// data is still stored.
    pub fn end_waits(&self) {
        self.fs.end().end_waits();
    }

    /// Drops all requests to the bucket, and starts none from now on.
    pub fn end_requests(&self) {
        self.fs.end().end_requests();
    }

    /// Limits the silence of the bucket during [`finish`](Self::finish), from now on. If it carries
    /// out nothing for a while, no more requests are sent.
    pub fn limit_silence(&self) {
        self.fs.limit_silence();
    }

    /// Starts to store nothing from now on.
    pub fn refuse(&self) {
        self.fs.refuse();
    }

    /// Aborts all uploads and refuses later changes.
    pub async fn abandon(&self) {
        self.fs.abandon().await;
    }

    /// Returns a handle to store written data while another thread waits in [`join`](Self::join).
    pub fn finisher(&self) -> Finisher {
        Finisher(Arc::clone(&self.fs))
    }

    /// Waits for the FUSE loop to end, which it does when the file system has been unmounted.
    ///
    /// # Errors
    /// Fails if the loop ended for another reason, or if the connection to the kernel was aborted
    /// while the file system was mounted. In the latter case, files that were open for writing
    /// count as not stored.
    pub fn join(self) -> io::Result<()> {
        match self.session.join()? {
            SessionEnd::Unmounted => Ok(()),
            SessionEnd::Aborted => {
                self.fs.connection_lost();
                Err(io::Error::other(
                    "the connection to the kernel was aborted while the bucket was mounted",
                ))
            }
        }
    }
}
