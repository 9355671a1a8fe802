//! Filling of the cache with whole objects, for nobody who reads them yet.
//!
//! Unlike a reader, a filler waits for the disk: nothing that it has fetched is dropped. It writes on
//! several threads, because most of the time of a small object goes to the creation of its files.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::entry::Entry;
use super::folder::Folder;
use super::format::{BLOCK, blocks, checksum};
use super::header::Header;
use super::name::{ObjectId, Space};
use super::open::Cache;
use super::size_index::{SizeIndex, most_kept};
use super::writer::OVERHEAD;
use crate::object::{Headers, Key, ObjectMeta};

/// Maximum number of threads that write at once.
const WRITERS: usize = 4;

/// Size of a block of the disk, in bytes: files take whole ones.
const DISK_BLOCK: u64 = 4 << 10;

/// Filler of a cache with objects of one bucket.
#[derive(Debug)]
pub struct Filler {
    cache: Arc<Cache>,
    space: Space,
    size_index: Arc<Mutex<SizeIndex>>,
    writers: Semaphore,
}

impl Filler {
    /// Creates a filler. Others may use the cache at the same time.
    pub fn new(cache: Arc<Cache>, space: Space) -> Self {
        let size_index = SizeIndex::new(Arc::clone(&cache.folder), cache.size);
        Self {
            cache,
            space,
            size_index: Arc::new(Mutex::new(size_index)),
            writers: Semaphore::new(WRITERS),
        }
    }

    /// Returns the number of bytes that objects can take without an eviction of one for another.
    pub fn room(&self) -> u64 {
        // A sixteenth is taken ahead of its use, by each process that writes.
        most_kept(self.cache.size) - self.cache.size / 16
    }

    /// Returns the number of bytes that an object takes on the disk.
    pub fn cost(size: u64) -> u64 {
        let blocks = size.div_ceil(DISK_BLOCK);
        blocks.saturating_mul(DISK_BLOCK).saturating_add(OVERHEAD)
    }

    /// Returns whether the version's `ETag` identifies its bytes: the cache takes no other.
    pub fn takes(meta: &ObjectMeta) -> bool {
        meta.etag.is_exact()
    }

    /// Returns whether the cache stores anything at all. It does not after an error of its disk.
    pub fn is_willing(&self) -> bool {
        self.cache.is_willing()
    }

    /// Returns for each part of this length, of whole blocks, whether the cache has all of it.
    pub async fn parts_held(&self, key: &Key, meta: &ObjectMeta, part: u64) -> Vec<bool> {
        let (folder, object) = (Arc::clone(&self.cache.folder), self.space.object(key));
        let meta = meta.clone();
        let count = meta.size.div_ceil(part) as usize;
        let looked = spawn_blocking(move || {
            let entry = version(&folder, object, &meta)?;
            let present = entry.presence(0..blocks(meta.size));
            let parts = present.chunks((part / BLOCK) as usize);
            Some(
                parts
                    .map(|blocks| blocks.iter().all(|here| *here))
                    .collect(),
            )
        });
        looked
            .await
            .ok()
            .flatten()
            .unwrap_or_else(|| vec![false; count])
    }

    /// Returns for each object whether this version of it is in the cache, whole. That counts as a use.
    pub async fn held(&self, objects: Vec<(Key, ObjectMeta)>) -> Vec<bool> {
        let (folder, space) = (Arc::clone(&self.cache.folder), self.space.clone());
        let count = objects.len();
        let looked = spawn_blocking(move || {
            let held = objects
                .iter()
                .map(|(key, meta)| is_held(&folder, &space, key, meta));
            held.collect()
        });
        looked.await.unwrap_or_else(|_| vec![false; count])
    }

    /// Stores bytes of an object from a block's offset on, up to another one's or the end. Returns
    /// whether the cache admits the object at all.
    ///
    /// # Errors
    /// Fails if the disk refuses, or if there is no room and nothing can be evicted.
    pub async fn store(
        &self,
        key: &Key,
        meta: ObjectMeta,
        headers: Headers,
        start: u64,
        bytes: Vec<u8>,
    ) -> io::Result<bool> {
        let header = Header::new(self.space.object(key), meta, headers);
        if !self.cache.admits(&header) {
            return Ok(false);
        }
        let (folder, sizes) = (Arc::clone(&self.cache.folder), Arc::clone(&self.size_index));
        let _writer = self.writers.acquire().await;
        let stored = spawn_blocking(move || store(&folder, &sizes, &header, start, &bytes));
        stored.await.map_err(io::Error::other)?.map(|()| true)
    }
}

fn is_held(folder: &Folder, space: &Space, key: &Key, meta: &ObjectMeta) -> bool {
    version(folder, space.object(key), meta).is_some_and(|entry| {
        entry.touch();
        let present = entry.presence(0..blocks(meta.size));
        present.iter().all(|here| *here)
    })
}

/// Returns the entry of this version of an object.
fn version(folder: &Folder, object: ObjectId, meta: &ObjectMeta) -> Option<Entry> {
    let entry = folder.find(object)?;
    let has_it = entry.meta().etag == meta.etag && entry.meta().size == meta.size;
    has_it.then_some(entry)
}

fn store(
    folder: &Folder,
    sizes: &Mutex<SizeIndex>,
    header: &Header,
    start: u64,
    bytes: &[u8],
) -> io::Result<()> {
    let found = folder.find(header.object);
    let found = found.filter(|entry| entry.header.is_of_same_bytes(header));
    let overhead = if found.is_some() { 0 } else { OVERHEAD };
    let size = bytes.len() as u64 + overhead;
    sizes
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take(size)?;
    let entry = found.map_or_else(|| folder.create(header.clone()), Ok)?;
    let fill = |entry: &Entry| {
        let mut blocks = (start / BLOCK..).zip(bytes.chunks(BLOCK as usize));
        blocks.try_for_each(|(block, bytes)| entry.write(block, bytes, checksum(bytes)))
    };
    folder.fill(entry, header, fill).map(drop)
}
