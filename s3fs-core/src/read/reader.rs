//! One open file: its window, the parts in flight, and the bytes for a read.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;

use crate::budget::{Budget, Reclaim};
use crate::object::{ByteRange, Key, ObjectMeta};
use crate::read::block::BlockPool;
use crate::read::fetch::{Fetch, Source};
use crate::read::part::{Lookup, Part};
use crate::read::window::{Access, FIRST, Window};
use crate::store::{Condition, GetBody, Store, StoreError, StoreErrorKind};

/// Why a read has no bytes. Shared, because several reads may wait for the same part.
pub type ReadError = Arc<StoreError>;

/// Keep so many parts outside the run.
const KEEP_STRAYS: usize = 8;

/// An open object. All reads are of the version it was opened with.
#[derive(Debug)]
pub struct Reader {
    source: Arc<Source>,
    state: Mutex<State>,
    used: AtomicBool,
}

#[derive(Debug)]
struct State {
    window: Window,
    /// Consecutive parts, in order.
    run: VecDeque<Arc<Fetch>>,
    /// Parts for reads outside the run, the latest last.
    strays: VecDeque<Arc<Fetch>>,
}

/// What is known of an object before it is opened; may be wrong.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Its size, in bytes.
    Size(u64),
    /// The version of which the first bytes were fetched before, and probably are in the page cache
    /// still.
    Here(ObjectMeta),
}

impl Expected {
    /// The range to ask for. One of an empty object is an error in S3, and a small one needs none.
    fn first_bytes(&self) -> Option<ByteRange> {
        let size = match self {
            Self::Size(size) => *size,
            Self::Here(meta) => meta.size,
        };
        ByteRange::new(0, FIRST).filter(|_| size > FIRST)
    }
}

/// Goes on with the answer to the open, if it begins with the first byte.
fn begin(source: &Arc<Source>, sent: Option<ByteRange>, body: GetBody) -> Option<Arc<Fetch>> {
    let sent = sent.filter(|sent| sent.start() == 0)?;
    let first = ByteRange::new(0, sent.end().min(FIRST))?;
    let grant = source.budget.take_reclaiming(first.length())?;
    Some(Fetch::resume(source, first, grant, body))
}

impl Reader {
    /// Opens whatever version is there now. The request that learns the version brings the first
    /// bytes along, unless they are here already.
    ///
    /// # Errors
    /// There is no such object, or it may not be read.
    pub async fn open(
        store: Arc<dyn Store>,
        key: Key,
        expected: Expected,
        budget: Budget,
        blocks: BlockPool,
    ) -> Result<(Arc<Self>, ObjectMeta), StoreError> {
        let condition = match &expected {
            Expected::Here(meta) => Condition::IsNot(&meta.etag),
            Expected::Size(_) => Condition::Any,
        };
        let range = expected.first_bytes();
        let (meta, first) = match (store.get(&key, range, condition).await, &expected) {
            (Ok(answer), _) => (answer.meta, Some((answer.range, answer.body))),
            (Err(error), Expected::Here(meta))
                if matches!(error.kind, StoreErrorKind::NotModified) =>
            {
                (meta.clone(), None)
            }
            (Err(error), _) => return Err(error),
        };
        let source = Arc::new(Source {
            store,
            key,
            etag: meta.etag.clone(),
            size: meta.size,
            budget,
            blocks,
            runtime: Handle::current(),
        });
        let run = first.and_then(|(sent, body)| begin(&source, sent, body));
        Ok((Self::new(source, run.into_iter().collect()), meta))
    }

    fn new(source: Arc<Source>, run: VecDeque<Arc<Fetch>>) -> Arc<Self> {
        let budget = source.budget.clone();
        let state = State {
            window: Window::new(),
            run,
            strays: VecDeque::new(),
        };
        let reader = Arc::new(Self {
            source,
            state: Mutex::new(state),
            used: AtomicBool::new(true),
        });
        let weak: Weak<Self> = Arc::downgrade(&reader);
        budget.register(weak);
        reader
    }

    /// The bytes, if they are here already.
    pub fn try_read(&self, offset: u64, length: u64) -> Option<Bytes> {
        let wanted = self.clamp(offset, length);
        if wanted.is_empty() {
            return Some(Bytes::new());
        }
        self.used.store(true, Ordering::Relaxed);
        let mut state = self.lock();
        // Only the run is looked at: a stray is about to need a request anyway.
        let part = covering(&state.run, wanted.start)?;
        let Lookup::Here(bytes) = part.look(&wanted) else {
            return None;
        };
        if (bytes.len() as u64) < wanted.end - wanted.start {
            return None;
        }
        state
            .window
            .observe(wanted.start, wanted.end - wanted.start);
        self.advance(&mut state);
        Some(bytes)
    }

    /// The bytes from the offset: as many as asked for, fewer only at the end of the file.
    ///
    /// # Errors
    /// The object was replaced or deleted meanwhile, or the store doesn't answer.
    pub async fn read(&self, offset: u64, length: u64) -> Result<Bytes, ReadError> {
        let wanted = self.clamp(offset, length);
        if wanted.is_empty() {
            return Ok(Bytes::new());
        }
        self.used.store(true, Ordering::Relaxed);
        let access = self
            .lock()
            .window
            .observe(wanted.start, wanted.end - wanted.start);
        let first = self.read_some(&wanted, access).await?;
        if first.len() as u64 == wanted.end - wanted.start {
            return Ok(first);
        }
        let mut gathered = BytesMut::with_capacity((wanted.end - wanted.start) as usize);
        gathered.extend_from_slice(&first);
        while (gathered.len() as u64) < wanted.end - wanted.start {
            let rest = wanted.start + gathered.len() as u64..wanted.end;
            let more = self.read_some(&rest, access).await?;
            gathered.extend_from_slice(&more);
        }
        Ok(gathered.freeze())
    }

    /// At least one byte of what is wanted.
    async fn read_some(&self, wanted: &Range<u64>, access: Access) -> Result<Bytes, ReadError> {
        loop {
            let fetch = self.fetch_covering(wanted, access);
            loop {
                match fetch.part.look(wanted) {
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

    /// The part that holds the first byte wanted, begun now if there is none.
    fn fetch_covering(&self, wanted: &Range<u64>, access: Access) -> Arc<Fetch> {
        let mut state = self.lock();
        let here = state
            .run
            .iter()
            .chain(&state.strays)
            .find(|f| f.part.covers(wanted.start));
        if let Some(fetch) = here.map(Arc::clone) {
            self.advance(&mut state);
            return fetch;
        }
        // Just behind the run: not worth giving up what was fetched ahead.
        let behind = state
            .run
            .front()
            .is_some_and(|first| wanted.start < first.part.range().start());
        let access = if access == Access::Run && behind {
            Access::Stray
        } else {
            access
        };
        match access {
            Access::Run | Access::NewRun => {
                // A run's parts are consecutive: what lay elsewhere is of no use any more.
                state.run.clear();
                let length = state.window.part_length(wanted.start);
                let fetch = self.fetch(wanted, length);
                state.run.push_back(Arc::clone(&fetch));
                self.advance(&mut state);
                fetch
            }
            Access::Stray | Access::Scattered => {
                if access == Access::Scattered {
                    state.run.clear();
                }
                let fetch = self.fetch(wanted, 0);
                state.strays.push_back(Arc::clone(&fetch));
                if state.strays.len() > KEEP_STRAYS {
                    state.strays.pop_front();
                }
                fetch
            }
        }
    }

    /// Begins to fetch what is wanted and, if that is less, `length` bytes.
    fn fetch(&self, wanted: &Range<u64>, length: u64) -> Arc<Fetch> {
        let end = (wanted.start + length)
            .max(wanted.end)
            .min(self.source.size);
        // `wanted` is not empty and lies within the object.
        let range = ByteRange::new(wanted.start, end)
            .unwrap_or_else(|| unreachable!("{wanted:?} of {}", self.source.size));
        Fetch::start(&self.source, range, None)
    }

    /// Drops what lies behind and begins what lies ahead.
    fn advance(&self, state: &mut State) {
        let keep_from = state.window.keep_from();
        while state
            .run
            .front()
            .is_some_and(|f| f.part.range().end() <= keep_from)
        {
            state.run.pop_front();
        }
        if let Some(first) = state.run.front() {
            first.part.drop_before(keep_from);
        }
        let until = state.window.fetch_until().min(self.source.size);
        while let Some(last) = state.run.back() {
            let start = last.part.range().end();
            let end = (start + state.window.part_length(start)).min(self.source.size);
            if start >= until {
                return;
            }
            let Some(range) = ByteRange::new(start, end) else {
                return;
            };
            // Ahead of time, only with memory that nobody needs.
            let Some(grant) = self.source.budget.try_take(range.length()) else {
                return;
            };
            state
                .run
                .push_back(Fetch::start(&self.source, range, Some(grant)));
        }
    }

    fn forget(&self, fetch: &Arc<Fetch>) {
        let mut state = self.lock();
        if let Some(index) = state.run.iter().position(|f| Arc::ptr_eq(f, fetch)) {
            // What follows would no longer be consecutive with what is fetched next.
            state.run.truncate(index);
        }
        state.strays.retain(|f| !Arc::ptr_eq(f, fetch));
    }

    fn clamp(&self, offset: u64, length: u64) -> Range<u64> {
        offset.min(self.source.size)..offset.saturating_add(length).min(self.source.size)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn covering(run: &VecDeque<Arc<Fetch>>, offset: u64) -> Option<&Part> {
    run.iter()
        .find(|fetch| fetch.part.covers(offset))
        .map(|fetch| &*fetch.part)
}

impl Reclaim for Reader {
    fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    fn reclaim(&self) {
        // Whoever waits for a part holds it.
        let mut state = self.lock();
        state.run.clear();
        state.strays.clear();
    }
}
