//! Fetches of parts, one ranged GET each. The store resumes bodies that break off.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::budget::Grant;
use crate::object::{ByteRange, ETag, Key};
use crate::read::block::Block;
use crate::read::pacing::Pacing;
use crate::read::pages::Pages;
use crate::read::part::Part;
use crate::read::supply::Supply;
use crate::store::{Condition, GetBody, Store, StoreError, StoreErrorKind};

/// Minimum number of bytes after the first piece of a body that tell its rate.
const TELLING: u64 = 256 << 10;

/// Version of an object, with everything needed to read it.
#[derive(Debug)]
pub struct Source {
    /// Store that holds the object.
    pub store: Arc<dyn Store>,
    /// Key of the object.
    pub key: Key,
    /// `ETag` of the version. Every request is conditional on it, so two versions never mix.
    pub etag: ETag,
    /// Size of the object, in bytes.
    pub size: u64,
    /// Memory, and the limits of read-ahead.
    pub supply: Supply,
    /// Runtime to fetch on: reads also start on the kernel's threads, outside the runtime.
    pub runtime: Handle,
    /// Page cache, for bytes that no program has asked for yet.
    pub pages: OnceLock<Arc<dyn Pages>>,
}

/// Body of a response that has started to arrive.
#[derive(Debug)]
pub struct Arriving {
    /// Body.
    pub body: GetBody,
    /// Time from the request to the response; `None` if the body comes from this machine.
    pub wait: Option<Duration>,
}

/// Part that is being fetched. Dropping its last reference cancels the request.
#[derive(Debug)]
pub struct Fetch {
    /// Part that is being filled.
    pub part: Arc<Part>,
    task: AbortHandle,
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.task.abort();
        self.part.give_up();
    }
}

impl Fetch {
    /// Starts to fetch a range. `grant` accounts for its memory; without one, waits for memory
    /// first.
    pub fn start(source: &Arc<Source>, range: ByteRange, grant: Option<Grant>) -> Arc<Self> {
        Self::spawn(source, range, grant, None)
    }

    /// Continues with a response that has already started to arrive.
    pub fn resume(
        source: &Arc<Source>,
        range: ByteRange,
        grant: Grant,
        body: Arriving,
    ) -> Arc<Self> {
        Self::spawn(source, range, Some(grant), Some(body))
    }

    fn spawn(
        source: &Arc<Source>,
        range: ByteRange,
        grant: Option<Grant>,
        body: Option<Arriving>,
    ) -> Arc<Self> {
        let part = Arc::new(Part::new(source.etag.clone(), range));
        let filling = fill(Arc::clone(source), Arc::clone(&part), grant, body);
        let task = source.runtime.spawn(filling).abort_handle();
        Arc::new(Self { part, task })
    }
}

async fn fill(source: Arc<Source>, part: Arc<Part>, grant: Option<Grant>, body: Option<Arriving>) {
    let mut grant = match grant {
        Some(grant) => grant,
        None => source.supply.budget.take(part.range().length()).await,
    };
    if let Err(error) = request(&source, &part, &mut grant, body).await {
        part.fail(error);
    }
}

/// Requests the bytes that are still missing.
async fn request(
    source: &Source,
    part: &Part,
    grant: &mut Grant,
    body: Option<Arriving>,
) -> Result<(), StoreError> {
    let Some(missing) = ByteRange::new(part.filled(), part.range().end()) else {
        return Ok(());
    };
    let Arriving { mut body, wait } = if let Some(body) = body {
        body
    } else {
        let (key, etag) = (&source.key, &source.etag);
        let answer = source
            .store
            .get(key, Some(missing), Condition::Is(etag))
            .await?;
        check_answer(source, missing, answer.range, &answer.meta.etag)?;
        Arriving {
            body: answer.body,
            wait: answer.wait,
        }
    };
    let pacing = &source.supply.pacing;
    // What comes from a cache says nothing about the link.
    let pacing = wait.map(|wait| {
        pacing.on_first_byte(wait);
        &**pacing
    });
    let mut filling = Filling {
        part,
        grant,
        source,
        block: None,
    };
    let mut timing = BodyTiming::default();
    while let Some(piece) = body.next().await? {
        if let Some(pacing) = pacing {
            timing.on_piece(&piece, pacing);
        }
        if filling.take(&piece) {
            if let Some(pacing) = pacing {
                timing.end(pacing);
            }
            return Ok(());
        }
    }
    let words = format!(
        "{} of {missing} missing",
        part.range().end() - part.filled()
    );
    Err(failed(source, StoreErrorKind::Truncated(words)))
}

/// Checks that the server honoured `Range` and `If-Match`: other bytes must not slip in.
fn check_answer(
    source: &Source,
    asked: ByteRange,
    sent: Option<ByteRange>,
    etag: &ETag,
) -> Result<(), StoreError> {
    if *etag != source.etag {
        return Err(failed(source, StoreErrorKind::PreconditionFailed));
    }
    if sent != Some(asked) {
        let words = format!("asked for {asked}, got {sent:?}");
        return Err(failed(source, StoreErrorKind::NotS3(words)));
    }
    Ok(())
}

fn failed(source: &Source, kind: StoreErrorKind) -> StoreError {
    StoreError::new("GetObject", source.store.uri(&source.key), kind)
}

/// Rate of a body after its first piece.
#[derive(Debug, Default)]
struct BodyTiming {
    start: Option<Instant>,
    bytes: u64,
}

impl BodyTiming {
    fn on_piece(&mut self, piece: &[u8], pacing: &Pacing) {
        pacing.on_bytes(piece.len() as u64);
        match self.start {
            Some(_) => self.bytes += piece.len() as u64,
            None => self.start = Some(Instant::now()),
        }
    }

    /// Records the body, unless so little of it came after the first piece that this tells nothing.
    fn end(&self, pacing: &Pacing) {
        if let Some(start) = self.start.filter(|_| self.bytes >= TELLING) {
            pacing.on_body(self.bytes, start.elapsed());
        }
    }
}

/// Splits arriving bytes into blocks.
struct Filling<'a> {
    part: &'a Part,
    grant: &'a mut Grant,
    source: &'a Source,
    block: Option<Block>,
}

impl Filling<'_> {
    /// Takes a piece of the body. Returns true when the part is full, though more bytes may follow.
    fn take(&mut self, mut piece: &[u8]) -> bool {
        while !piece.is_empty() {
            let filled = self.part.filled();
            if filled == self.part.range().end() {
                return true;
            }
            let wanted = self.part.next_block_length(filled);
            let grant = &mut *self.grant;
            let pool = &self.source.supply.blocks;
            let block = self
                .block
                .get_or_insert_with(|| pool.take(wanted, grant.split(wanted)));
            let take = usize::try_from(wanted - block.len())
                .unwrap_or(usize::MAX)
                .min(piece.len());
            block.extend(&piece[..take]);
            piece = &piece[take..];
            if block.len() == wanted
                && let Some(block) = self.block.take()
            {
                self.part.push(block.freeze());
            }
        }
        self.part.filled() == self.part.range().end()
    }
}
