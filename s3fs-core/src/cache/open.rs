//! Cache folder in use by this process.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::CacheError;
use super::entry::Entry;
use super::folder::{Folder, FolderError};
use super::header::Header;
use super::name::ObjectId;
use super::size_index::most_kept;
use super::writer::{BlockWriter, Job, OVERHEAD, Places};
use crate::config::CacheConfig;
use crate::object::ETag;

/// Maximum number of concurrent reads of the disk; each holds a block.
const READS: usize = 8;

/// Minimum size, in bytes, of a file that is verified as a whole. A smaller one arrives with the
/// request that opens it, or soon after.
const WORTH_PROVING: u64 = 1 << 20;

/// Maximum size, in bytes, of a file that is verified while its open waits, which takes no longer
/// than a few requests. A larger one is verified in the background, for the next open.
const PROVED_AT_ONCE: u64 = 16 << 20;

/// Cache in use. All mounts of a process that use the same folder share one.
#[derive(Debug)]
pub struct Cache {
    pub(super) folder: Arc<Folder>,
    writer: BlockWriter,
    pub(super) size: u64,
    reads: Semaphore,
    /// Objects that are being verified in the background.
    proving: Mutex<HashSet<ObjectId>>,
}

/// Caches that a process has open. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Caches(Arc<Mutex<HashMap<CacheConfig, Weak<Cache>>>>);

impl Caches {
    /// Opens a cache like [`Cache::open`], or returns the one that is open already.
    ///
    /// # Errors
    /// Fails like [`Cache::open`].
    pub async fn open(&self, config: &CacheConfig) -> Result<Option<Arc<Cache>>, CacheError> {
        let (caches, config) = (Arc::clone(&self.0), config.clone());
        let opened = spawn_blocking(move || {
            let mut caches = caches.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(open) = caches.get(&config).and_then(Weak::upgrade) {
                return Ok(Some(open));
            }
            let cache = Cache::open(&config)?.map(Arc::new);
            if let Some(cache) = &cache {
                caches.insert(config, Arc::downgrade(cache));
            }
            Ok(cache)
        });
        opened.await.unwrap_or(Ok(None))
    }
}

impl Cache {
    /// Opens or creates the folder. Returns `None`, with a warning, if it can't be used. Blocks.
    ///
    /// # Errors
    /// Fails if the folder belongs to another user, or is open to others.
    pub fn open(config: &CacheConfig) -> Result<Option<Self>, CacheError> {
        let opened = Folder::open(&config.dir).and_then(|folder| {
            let folder = Arc::new(folder);
            Ok(Self {
                writer: BlockWriter::start(&folder, config.size)?,
                folder,
                size: config.size,
                reads: Semaphore::new(READS),
                proving: Mutex::default(),
            })
        });
        match opened {
            Ok(cache) => Ok(Some(cache)),
            Err(FolderError::Refused(error)) => Err(error),
            Err(FolderError::Unusable(error)) => {
                let dir = config.dir.display();
                tracing::warn!(%dir, %error, "failed to open the cache: continuing without it");
                Ok(None)
            }
        }
    }

    /// Returns whether blocks of an object are worth storing: its `ETag` identifies its bytes,
    /// eviction would not remove it for itself, and an index has room for its headers.
    pub(super) fn admits(&self, header: &Header) -> bool {
        let meta = &header.meta;
        let fits = meta.size.saturating_add(OVERHEAD) <= most_kept(self.size);
        let is_wanted = fits && meta.size > 0 && meta.etag.is_exact() && self.is_willing();
        is_wanted && header.encode().is_some()
    }

    /// Returns whether the cache stores anything at all.
    pub(super) fn is_willing(&self) -> bool {
        self.writer.is_willing()
    }

    /// Stores a block if the disk keeps up.
    pub(super) fn offer(&self, job: Job, places: Option<&mut Places>) {
        self.writer.offer(job, places);
    }

    /// Reserves places in the queue for `blocks` blocks, if the disk is not too far behind.
    pub(super) async fn reserve(&self, blocks: u32) -> Option<Places> {
        self.writer.reserve(blocks).await
    }

    /// Opens the entry of an object, which counts as a use.
    pub(super) async fn find(&self, object: ObjectId) -> Option<Entry> {
        let folder = Arc::clone(&self.folder);
        self.blocking(move || {
            let entry = folder.find(object)?;
            entry.touch();
            Some(entry)
        })
        .await
        .flatten()
    }

    /// Runs an operation on the disk on a thread that may block.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _permit = self.reads.acquire().await.ok()?;
        spawn_blocking(look).await.ok()
    }

    /// Returns the file of a whole version, if it is present and verified.
    pub(super) async fn whole(self: &Arc<Self>, object: ObjectId, etag: &ETag) -> Option<File> {
        let entry = self.find(object).await?;
        if entry.meta().etag != *etag || entry.meta().size < WORTH_PROVING {
            return None;
        }
        if entry.meta().size > PROVED_AT_ONCE {
            return self.proved_beside(entry).await;
        }
        let proved =
            || (entry.is_verified() || entry.verify().unwrap_or(false)).then_some(entry.data);
        self.blocking(proved).await.flatten()
    }

    /// Returns the file if it was verified before; else starts to verify it in the background.
    async fn proved_beside(self: &Arc<Self>, entry: Entry) -> Option<File> {
        let object = entry.header.object;
        let looked = move || (entry.is_verified(), entry);
        let (is_verified, entry) = self.blocking(looked).await?;
        if is_verified {
            return Some(entry.data);
        }
        if self.lock_proving().insert(object) {
            let cache = Arc::clone(self);
            spawn_blocking(move || {
                let verified = entry.verify();
                tracing::debug!(?verified, "verified a cached file in the background");
                cache.lock_proving().remove(&object);
            });
        }
        None
    }

    fn lock_proving(&self) -> std::sync::MutexGuard<'_, HashSet<ObjectId>> {
        self.proving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
