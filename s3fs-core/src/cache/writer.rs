//! Thread that fills the folder.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::entry::Entry;
use super::folder::Folder;
use super::format;
use super::header::Header;
use super::size_index::SizeIndex;

/// Length of the queue, in blocks: 16 MiB. Further blocks are dropped.
const QUEUE: usize = 64;

/// Time that a response waits for the disk before a block is dropped. If the network is a little
/// faster than the disk, an object is stored whole, so that it is fetched once.
const PATIENCE: Duration = Duration::from_millis(300);

/// Time after a dropped block in which no response waits: the disk is slower by far.
const RESIGNATION: Duration = Duration::from_secs(5);

/// Size of an entry besides its bytes: two inodes, and a page of the index.
pub(super) const OVERHEAD: u64 = 8 << 10;

/// Maximum time that the end of the process waits for the disk.
const FAREWELL: Duration = Duration::from_secs(2);

/// Block to be stored.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) header: Arc<Header>,
    pub(super) block: u64,
    pub(super) bytes: Vec<u8>,
}

/// Places reserved in the queue.
pub(super) type Places = OwnedSemaphorePermit;

/// Block with its place in the queue.
type Queued = (Job, Places);

/// Handle of the thread. When it is dropped, the thread writes the queued blocks and ends.
#[derive(Debug)]
pub(super) struct BlockWriter {
    jobs: Option<Sender<Queued>>,
    places: Arc<Semaphore>,
    /// Time when a block was last dropped.
    dropped: Mutex<Option<Instant>>,
    ended: Mutex<Receiver<()>>,
    aside: Arc<AtomicBool>,
}

impl BlockWriter {
    /// Starts the thread.
    pub(super) fn start(folder: &Arc<Folder>, size: u64) -> io::Result<Self> {
        let (jobs, queue) = channel::<Queued>();
        let (ends, ended) = channel::<()>();
        let aside = Arc::new(AtomicBool::new(false));
        let filling = Filling {
            folder: Arc::clone(folder),
            size_index: SizeIndex::new(Arc::clone(folder), size),
            aside: Arc::clone(&aside),
            last: None,
        };
        Builder::new().name("cache".into()).spawn(move || {
            filling.run(&queue);
            drop(ends);
        })?;
        Ok(Self {
            jobs: Some(jobs),
            places: Arc::new(Semaphore::new(QUEUE)),
            dropped: Mutex::default(),
            ended: Mutex::new(ended),
            aside,
        })
    }

    /// Returns whether the thread accepts blocks.
    pub(super) fn is_willing(&self) -> bool {
        !self.aside.load(Ordering::Relaxed)
    }

    /// Queues a block in one of the places reserved for it; drops it if there is none.
    pub(super) fn offer(&self, job: Job, places: Option<&mut Places>) {
        let Some(jobs) = self.jobs.as_ref().filter(|_| self.is_willing()) else {
            return;
        };
        if let Some(place) = places.and_then(|places| places.split(1)) {
            // If the thread has ended, there is nothing to keep it for.
            drop(jobs.send((job, place)));
        } else {
            tracing::debug!("cache disk is too slow: dropped a block");
            *self.dropped() = Some(Instant::now());
        }
    }

    /// Reserves places for `blocks` blocks. If the disk is behind, waits a little, unless a block
    /// was dropped lately.
    pub(super) async fn reserve(&self, blocks: u32) -> Option<Places> {
        let places = || Arc::clone(&self.places);
        if let Ok(reserved) = places().try_acquire_many_owned(blocks) {
            return Some(reserved);
        }
        let is_hopeless = |dropped: Instant| dropped.elapsed() < RESIGNATION;
        if !self.is_willing() || self.dropped().is_some_and(is_hopeless) {
            return None;
        }
        let reserving = places().acquire_many_owned(blocks);
        tokio::time::timeout(PATIENCE, reserving).await.ok()?.ok()
    }

    fn dropped(&self) -> MutexGuard<'_, Option<Instant>> {
        self.dropped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BlockWriter {
    fn drop(&mut self) {
        self.jobs.take();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(FAREWELL) == Err(RecvTimeoutError::Timeout) {
            tracing::debug!("cache disk is too slow: not all blocks are cached");
        }
    }
}

/// State of the thread.
struct Filling {
    folder: Arc<Folder>,
    size_index: SizeIndex,
    aside: Arc<AtomicBool>,
    /// Entry of the last block; the next one is mostly of the same file.
    last: Option<Entry>,
}

impl Filling {
    fn run(mut self, queue: &Receiver<Queued>) {
        self.folder.remove_old_layouts();
        let mut worked = self.size_index.refresh();
        for (job, _place) in queue {
            worked = worked.and_then(|()| self.keep(&job));
            if let Err(error) = &worked {
                // A full disk or a broken one: not to be bothered again, and no reason to fail.
                tracing::warn!(%error, "failed to write to the cache: caching no further blocks");
                self.aside.store(true, Ordering::Relaxed);
                return;
            }
        }
    }

    fn keep(&mut self, job: &Job) -> io::Result<()> {
        let checksum = format::checksum(&job.bytes);
        let last = self.last.take();
        let last =
            last.filter(|last| last.header.object == job.header.object && last.is_in_place());
        let found = last.or_else(|| self.folder.find(job.header.object));
        let mut found = found.filter(|entry| entry.header.is_of_same_bytes(&job.header));
        if let Some(entry) = &mut found
            && job.header.is_later_than(&entry.header)
        {
            entry.describe(Header::clone(&job.header));
        }
        let entry = match found {
            Some(entry) if entry.word(job.block) == Some(checksum) => {
                self.last = Some(entry);
                return Ok(());
            }
            Some(entry) => entry,
            None => {
                self.size_index.take(OVERHEAD)?;
                self.folder.create(Header::clone(&job.header))?
            }
        };
        self.size_index.take(job.bytes.len() as u64)?;
        let fill = |entry: &Entry| entry.write(job.block, &job.bytes, checksum);
        self.last = Some(self.folder.fill(entry, &job.header, fill)?);
        Ok(())
    }
}
