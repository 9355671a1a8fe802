//! Open file: its access patterns and the bytes for each read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;

use crate::budget::Reclaim;
use crate::object::{ByteRange, Key, ObjectMeta};
use crate::read::fetch::{Arriving, Fetch, Source};
use crate::read::limits::FIRST;
use crate::read::pages::Pages;
use crate::read::part::{Lookup, Part};
use crate::read::stream::Stream;
use crate::read::supply::Supply;
use crate::read::tracking::Tracking;
use crate::read::whole_fetch::{Owner, PartEnd};
use crate::store::{Condition, GetResponse, Store, StoreError, StoreErrorKind};

/// Error of a read. Shared, because several reads may wait for the same part.
pub type ReadError = Arc<StoreError>;

/// Open object. All reads are of the version it was opened with.
#[derive(Debug)]
pub struct Reader {
    this: Weak<Self>,
    source: Arc<Source>,
    state: Mutex<Tracking>,
    used: AtomicBool,
}

/// Metadata expected of an object before it is opened; may be outdated.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Size, in bytes.
    Size(u64),
    /// Version whose first bytes were fetched before, and are probably still in the page cache.
    Here(ObjectMeta),
    /// Version to open, whether or not it is the current one; no other is opened.
    Version(ObjectMeta),
}

impl Expected {
    /// Returns the range to request. An empty object has no valid range in S3, and a small one
    /// needs none.
    fn first_bytes(&self) -> Option<ByteRange> {
        let size = match self {
            Self::Size(size) => *size,
            Self::Here(meta) | Self::Version(meta) => meta.size,
        };
        ByteRange::new(0, FIRST).filter(|_| size > FIRST)
    }
}

/// Continues with the response to the open, if it starts at the first byte.
fn begin(source: &Arc<Source>, sent: Option<ByteRange>, body: Arriving) -> Option<Arc<Fetch>> {
    let sent = sent.filter(|sent| sent.start() == 0)?;
    let first = ByteRange::new(0, sent.end().min(FIRST))?;
    let grant = source.supply.budget.take_reclaiming(first.length())?;
    Some(Fetch::resume(source, first, grant, body))
}

fn source(
    store: Arc<dyn Store>,
    key: Key,
    version: &ObjectMeta,
    supply: Supply,
    runtime: Handle,
) -> Arc<Source> {
    Arc::new(Source {
        store,
        key,
        etag: version.etag.clone(),
        size: version.size,
        supply,
        runtime,
        pages: OnceLock::new(),
    })
}

impl Reader {
    /// Opens the current version. The request that determines the version also brings the first
    /// bytes, unless the page cache has them already.
    ///
    /// # Errors
    /// Fails if the object does not exist or may not be read.
    pub async fn open(
        store: Arc<dyn Store>,
        key: Key,
        expected: Expected,
        supply: Supply,
    ) -> Result<(Arc<Self>, ObjectMeta), StoreError> {
        let condition = match &expected {
            Expected::Here(meta) => Condition::IsNot(&meta.etag),
            Expected::Size(_) => Condition::Any,
            Expected::Version(meta) => Condition::Is(&meta.etag),
        };
        let range = expected.first_bytes();
        let (meta, first) = match (store.get(&key, range, condition).await, &expected) {
            (Ok(answer), _) => {
                let GetResponse {
                    range, body, wait, ..
                } = answer;
                (answer.meta, Some((range, Arriving { body, wait })))
            }
            (Err(error), Expected::Here(meta))
                if matches!(error.kind, StoreErrorKind::NotModified { .. }) =>
            {
                (meta.clone(), None)
            }
            (Err(error), _) => return Err(error),
        };
        let runtime = Handle::current();
        let source = source(store, key, &meta, supply, runtime);
        let first = first.and_then(|(sent, body)| begin(&source, sent, body));
        Ok((Self::new(source, first), meta))
    }

    /// Opens a version without a request. The first read that finds another version fails.
    pub fn of_version(
        store: Arc<dyn Store>,
        key: Key,
        version: &ObjectMeta,
        supply: Supply,
        runtime: Handle,
    ) -> Arc<Self> {
        Self::new(source(store, key, version, supply, runtime), None)
    }

    fn new(source: Arc<Source>, first: Option<Arc<Fetch>>) -> Arc<Self> {
        let budget = source.supply.budget.clone();
        let state = Tracking::new(first);
        let reader = Arc::new_cyclic(|this| Self {
            this: this.clone(),
            source,
            state: Mutex::new(state),
            used: AtomicBool::new(true),
        });
        let weak: Weak<Self> = Arc::downgrade(&reader);
        budget.register(weak);
        reader
    }

    /// Sets the page cache for bytes that no program has asked for yet.
    pub fn set_pages(&self, pages: Arc<dyn Pages>) {
        // Ignored if already set: all handles of a version share one page cache.
        let _ = self.source.pages.set(pages);
    }

    /// Takes over the streams of another handle of the same version, with the parts they hold.
    pub fn take_over(&self, other: &Self) {
        let streams = std::mem::take(&mut other.lock().streams);
        self.lock().take_over(streams);
    }

    /// Returns the bytes if all of them have arrived.
    pub fn try_read(&self, range: ByteRange) -> Option<Bytes> {
        let Some(wanted) = range.within(self.source.size) else {
            return Some(Bytes::new());
        };
        self.used.store(true, Ordering::Relaxed);
        let mut state = self.lock();
        let at = state.holder_of(wanted.start())?;
        let part = &state.streams[at].holding(wanted.start())?.part;
        let Lookup::Here(bytes) = part.look(&self.source.etag, wanted) else {
            return None;
        };
        if (bytes.len() as u64) < wanted.length() {
            return None;
        }
        state.coverage.request(wanted);
        state.enter(at, wanted, &self.source);
        Some(bytes)
    }

    /// Reads bytes; returns fewer than requested only at the end of the file.
    ///
    /// # Errors
    /// Fails if the object was replaced or deleted meanwhile, or if the store fails.
    pub async fn read(&self, range: ByteRange) -> Result<Bytes, ReadError> {
        let Some(wanted) = range.within(self.source.size) else {
            return Ok(Bytes::new());
        };
        self.used.store(true, Ordering::Relaxed);
        self.lock().coverage.request(wanted);
        let first = self.read_some(wanted).await?;
        if first.len() as u64 == wanted.length() {
            return Ok(first);
        }
        let mut gathered = BytesMut::with_capacity(wanted.length() as usize);
        gathered.extend_from_slice(&first);
        while let Some(rest) = ByteRange::new(wanted.start() + gathered.len() as u64, wanted.end())
        {
            let more = self.read_some(rest).await?;
            gathered.extend_from_slice(&more);
        }
        Ok(gathered.freeze())
    }

    /// Reads at least one byte of `wanted`.
    async fn read_some(&self, wanted: ByteRange) -> Result<Bytes, ReadError> {
        loop {
            let fetch = self.fetch_covering(wanted);
            loop {
                match fetch.part.look(&self.source.etag, wanted) {
                    Lookup::Here(bytes) => return Ok(bytes),
                    Lookup::Pending => fetch.part.wait(wanted).await,
                    Lookup::Gone => break,
                    Lookup::Failed(error) => {
                        self.forget(&fetch);
                        return Err(error);
                    }
                }
            }
            self.forget(&fetch);
        }
    }

    /// Returns the part that holds the first byte of `wanted`; starts its fetch if there is none.
    fn fetch_covering(&self, wanted: ByteRange) -> Arc<Fetch> {
        let mut state = self.lock();
        let held = state.holder_of(wanted.start());
        if held.is_none()
            && let Some(part) = state
                .whole
                .as_ref()
                .and_then(|w| w.covering(wanted.start()))
        {
            return Arc::clone(part);
        }
        if let Some(at) = held.or_else(|| state.stream_of(wanted)) {
            return state.enter(at, wanted, &self.source);
        }
        state.jump(wanted, &self.source, &self.owner())
    }

    fn forget(&self, fetch: &Arc<Fetch>) {
        let mut state = self.lock();
        let Tracking { streams, whole, .. } = &mut *state;
        for stream in streams {
            stream.forget(fetch);
        }
        if let Some(whole) = whole {
            whole.forget(&fetch.part);
        }
    }

    fn owner(&self) -> Weak<dyn Owner> {
        let this: Weak<Self> = Weak::clone(&self.this);
        this
    }

    fn lock(&self) -> MutexGuard<'_, Tracking> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owner for Reader {
    fn part_ended(&self, part: &Arc<Part>, end: PartEnd) {
        self.lock()
            .part_ended(part, end, &self.source, &self.owner());
    }
}

impl Reclaim for Reader {
    fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    fn reclaim(&self) {
        // Readers that wait for a part hold a reference to it.
        let mut state = self.lock();
        let Tracking { streams, whole, .. } = &mut *state;
        streams.iter_mut().for_each(Stream::drop_parts);
        if let Some(whole) = whole {
            whole.drop_parts();
        }
    }
}
