//! Warming of one tree: lists it, and fetches what the cache lacks.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::budget::Budget;
use crate::cache::{Cache, CacheError, Filler, Space};
use crate::config::MountConfig;
use crate::list::list_page;
use crate::object::{Key, ObjectMeta, Prefix};
use crate::resources::Resources;
use crate::store::s3::{ConnectError, connect};
use crate::store::{ListFrom, ListRequest, Store, StoreError};
use crate::warm::object::{FetchError, Fetched, fetch};
use crate::warm::pace::{FEWEST, Pace};
use crate::warm::report::WarmProgress;

/// Maximum number of listing pages ahead of the requests for objects.
const PAGES_AHEAD: usize = 4;

/// Number of failures in a row that ends the warming.
const HOPELESS: u32 = 16;

/// Error that ends the warming of a tree.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WarmError {
    /// Failure to connect to the bucket.
    #[error(transparent)]
    Bucket(Box<ConnectError>),
    /// Refusal of the folder that was given as a cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Configuration without a usable cache.
    #[error("volume has no cache that can be filled\ngive it the folder of a cache")]
    NoCache,
    /// End of the cache's writer, after an error of its disk.
    #[error("failed to write to the cache: its disk refused a block before")]
    Stopped,
    /// Failure to list the tree.
    #[error(transparent)]
    List(#[from] StoreError),
    /// Failure of the disk, or of many requests in a row.
    #[error("{0}")]
    Objects(String),
}

impl From<ConnectError> for WarmError {
    fn from(error: ConnectError) -> Self {
        Self::Bucket(Box::new(error))
    }
}

/// Warming of the objects under a prefix.
#[derive(Debug)]
pub struct Warming {
    store: Arc<dyn Store>,
    filler: Arc<Filler>,
    prefix: Prefix,
    /// Memory for bytes in flight, shared with the mounts of the process.
    budget: Budget,
    progress: Arc<WarmProgress>,
}

impl Warming {
    /// Opens the cache, and connects to the bucket.
    ///
    /// # Errors
    /// Fails if the bucket can't be reached, or if there is no cache to fill.
    pub async fn connect(config: &MountConfig, resources: &Resources) -> Result<Self, WarmError> {
        let cache = config.cache.as_ref().ok_or(WarmError::NoCache)?;
        let cache = resources.caches.open(cache).await?;
        let cache = cache.ok_or(WarmError::NoCache)?;
        let (store, _) = connect(config, &resources.http).await?;
        let space = Space::new(store.single().endpoint_url(), &config.bucket);
        Ok(Self::new(
            Arc::new(store),
            cache,
            space,
            config.prefix.clone(),
            resources.shared.budget.clone(),
        ))
    }

    /// Creates a warming of the objects under a prefix.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        cache: Arc<Cache>,
        space: Space,
        prefix: Prefix,
        budget: Budget,
    ) -> Self {
        Self {
            store,
            filler: Arc::new(Filler::new(cache, space)),
            prefix,
            budget,
            progress: Arc::default(),
        }
    }

    /// Reports to this progress from now on.
    #[must_use]
    pub fn reporting_to(self, progress: Arc<WarmProgress>) -> Self {
        Self { progress, ..self }
    }

    /// Returns the progress, to be observed while [`run`](Self::run) is awaited.
    pub fn progress(&self) -> Arc<WarmProgress> {
        Arc::clone(&self.progress)
    }

    /// Lists the objects and fetches those that the cache lacks and has room for. Dropping the future
    /// ends the requests; what is stored by then stays.
    ///
    /// # Errors
    /// Fails if listing fails, if the disk does, or if many requests do.
    pub async fn run(&self) -> Result<(), WarmError> {
        self.run_within(&mut self.filler.room()).await
    }

    /// Returns the number of bytes that objects can take in the cache without an eviction of one for
    /// another.
    pub(super) fn room(&self) -> u64 {
        self.filler.room()
    }

    /// Does the same as [`run`](Self::run) for as many objects as there is room for, in bytes, which is
    /// reduced by what they take.
    pub(super) async fn run_within(&self, room: &mut u64) -> Result<(), WarmError> {
        let (pages, mut listed) = mpsc::channel(PAGES_AHEAD);
        let mut listing = JoinSet::new();
        let (store, prefix) = (Arc::clone(&self.store), self.prefix.clone());
        listing.spawn(list(store, prefix, pages));
        let mut fetching = Fetching::new(Arc::clone(&self.progress));
        while let Some(page) = listed.recv().await {
            // Else everything would be fetched and dropped.
            if !self.filler.is_willing() {
                return Err(WarmError::Stopped);
            }
            let held = self.filler.held(page.clone()).await;
            for ((key, meta), is_held) in page.into_iter().zip(held) {
                if !self.admit(&meta, is_held, room) {
                    continue;
                }
                let place = fetching.place().await?;
                let budget = self.budget.clone();
                let (store, filler) = (Arc::clone(&self.store), Arc::clone(&self.filler));
                fetching.tasks.spawn(async move {
                    let fetched = fetch(&*store, &filler, &budget, &key, &meta).await;
                    drop(place);
                    (meta.size, fetched)
                });
            }
        }
        if let Some(Ok(Err(error))) = listing.join_next().await {
            return Err(error.into());
        }
        fetching.finish().await
    }

    /// Counts a listed object. Returns whether it is to be fetched: it is not held, it has bytes, and
    /// there is room for it beside the objects before it.
    fn admit(&self, meta: &ObjectMeta, is_held: bool, room: &mut u64) -> bool {
        let cost = Filler::cost(meta.size);
        let is_taken = meta.size > 0 && Filler::takes(meta);
        let left = room.checked_sub(cost).filter(|_| is_taken);
        if let Some(left) = left {
            *room = left;
        }
        self.progress.update(|report| {
            report.listed.add(meta.size);
            match left {
                _ if is_held || meta.size == 0 => report.held.add(meta.size),
                _ if !is_taken => report.weak.add(meta.size),
                Some(_) => return true,
                None => report.left_out.add(meta.size),
            }
            false
        })
    }
}

/// Lists the objects under a prefix, page by page.
async fn list(
    store: Arc<dyn Store>,
    prefix: Prefix,
    pages: mpsc::Sender<Vec<(Key, ObjectMeta)>>,
) -> Result<(), StoreError> {
    let mut next: Option<String> = None;
    loop {
        let request = ListRequest {
            prefix: prefix.as_str(),
            folded: false,
            from: ListFrom::following(next.as_deref()),
            max_keys: 1000,
        };
        let page = list_page(&*store, request).await?;
        // Markers of folders have no bytes that a program reads.
        let files = page.objects.into_iter();
        let files = files.filter(|object| !object.key.ends_with('/'));
        let files = files.map(|object| (Key::new(object.key), object.meta));
        if pages.send(files.collect()).await.is_err() || page.next.is_none() {
            return Ok(());
        }
        next = page.next;
    }
}

/// Requests in flight.
struct Fetching {
    tasks: JoinSet<(u64, Result<Fetched, FetchError>)>,
    places: Arc<Semaphore>,
    pace: Pace,
    in_flight: usize,
    /// Number of requests that were completed since this time.
    window: (usize, Instant),
    failures_in_a_row: u32,
    progress: Arc<WarmProgress>,
}

impl Fetching {
    fn new(progress: Arc<WarmProgress>) -> Self {
        Self {
            tasks: JoinSet::new(),
            places: Arc::new(Semaphore::new(FEWEST)),
            pace: Pace::new(),
            in_flight: FEWEST,
            window: (0, Instant::now()),
            failures_in_a_row: 0,
            progress,
        }
    }

    /// Waits for a place for an object.
    async fn place(&mut self) -> Result<OwnedSemaphorePermit, WarmError> {
        let mut place = Box::pin(Arc::clone(&self.places).acquire_owned());
        loop {
            tokio::select! {
                biased;
                Some(done) = self.tasks.join_next() => self.done(done.ok())?,
                place = &mut place => {
                    let closed = |_| WarmError::Objects("no place for a request".to_owned());
                    return place.map_err(closed);
                }
            }
        }
    }

    /// Waits for all requests.
    async fn finish(mut self) -> Result<(), WarmError> {
        while let Some(done) = self.tasks.join_next().await {
            self.done(done.ok())?;
        }
        Ok(())
    }

    fn done(&mut self, done: Option<(u64, Result<Fetched, FetchError>)>) -> Result<(), WarmError> {
        let Some((bytes, fetched)) = done else {
            return Err(WarmError::Objects("a fetch panicked".to_owned()));
        };
        match fetched {
            Ok(Fetched::Stored) => self.progress.update(|report| report.fetched.add(bytes)),
            Ok(Fetched::Skipped) => self.progress.update(|report| report.skipped.add(bytes)),
            Err(error @ FetchError::Disk(_)) => return Err(WarmError::Objects(error.to_string())),
            Err(error) => {
                self.failures_in_a_row += 1;
                if self.failures_in_a_row >= HOPELESS {
                    return Err(WarmError::Objects(error.to_string()));
                }
                self.progress
                    .update(|report| report.fail(error.to_string()));
                return Ok(());
            }
        }
        self.failures_in_a_row = 0;
        self.window.0 += 1;
        if self.window.0 >= self.pace.window() {
            let in_flight = self.pace.took(self.window.0, self.window.1.elapsed());
            self.places.add_permits(in_flight - self.in_flight);
            self.in_flight = in_flight;
            self.window = (0, Instant::now());
        }
        Ok(())
    }
}
