//! Response on its way to a reader, whose whole blocks also fill the cache.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::runtime::Handle;

use super::Cache;
use super::assemble::Assembler;
use super::format::BLOCK;
use super::header::Header;
use super::writer::Job;
use crate::object::ByteRange;
use crate::store::{GetBody, StoreError};

/// Response to a request that was widened to whole blocks. The reader gets the range it requested.
pub(super) struct FillStream {
    body: Option<GetBody>,
    /// Intake into the cache; `None` if the object is not stored in it.
    intake: Option<Intake>,
    /// Offset of the next piece.
    at: u64,
    /// Range that the reader requested.
    wanted: Range<u64>,
    /// End offset of the response.
    end: u64,
}

/// Splits passing bytes into blocks for the cache.
pub(super) struct Intake {
    cache: Arc<Cache>,
    header: Arc<Header>,
    assembler: Assembler,
}

impl FillStream {
    /// Creates a stream of the response `sent`, which passes on the bytes in `wanted`.
    pub(super) fn new(
        intake: Option<Intake>,
        sent: ByteRange,
        wanted: ByteRange,
        body: GetBody,
    ) -> Self {
        Self {
            body: Some(body),
            intake,
            at: sent.start(),
            wanted: wanted.start()..wanted.end(),
            end: sent.end(),
        }
    }

    /// Converts to a body with the requested range.
    pub(super) fn into_body(self) -> GetBody {
        GetBody::new(stream::try_unfold(self, |mut filling| async move {
            let next = filling.next().await?;
            Ok(next.map(|piece| (piece, filling)))
        }))
    }

    /// Returns the next requested bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        while self.at < self.wanted.end
            && let Some(body) = &mut self.body
        {
            let Some(piece) = body.next().await? else {
                self.body = None;
                return Ok(None);
            };
            if let Some(intake) = &mut self.intake {
                intake.take(&piece).await;
            }
            let start = self.at;
            self.at += piece.len() as u64;
            let from = self.wanted.start.clamp(start, self.at) - start;
            let until = self.wanted.end.clamp(start, self.at) - start;
            if from < until {
                return Ok(Some(piece.slice(from as usize..until as usize)));
            }
        }
        Ok(None)
    }
}

impl Intake {
    /// Creates an intake for a response that starts at `start`; `None` if the object is not to be
    /// stored.
    pub(super) fn new(cache: &Arc<Cache>, header: Header, start: u64) -> Option<Self> {
        cache.admits(&header).then(|| Self {
            cache: Arc::clone(cache),
            assembler: Assembler::new(header.meta.size, start),
            header: Arc::new(header),
        })
    }

    async fn take(&mut self, piece: &[u8]) {
        // A piece may end one block more than fit into it, and the object as well.
        let blocks = u32::try_from(piece.len() as u64 / BLOCK + 2).unwrap_or(u32::MAX);
        let mut places = self.cache.reserve(blocks).await;
        let Self {
            cache,
            header,
            assembler,
        } = self;
        assembler.take(piece, |block, bytes| {
            let job = Job {
                header: Arc::clone(header),
                block,
                bytes,
            };
            cache.offer(job, places.as_mut());
        });
    }
}

/// Reads the rest of the last block in the background, once the reader has its range.
impl Drop for FillStream {
    fn drop(&mut self) {
        let left = self.end.saturating_sub(self.at);
        let is_tail = self.at >= self.wanted.end && (1..BLOCK).contains(&left);
        if let Some(mut body) = self.body.take().filter(|_| is_tail)
            && let Some(mut intake) = self.intake.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                while let Ok(Some(piece)) = body.next().await {
                    intake.take(&piece).await;
                }
            });
        }
    }
}

impl fmt::Debug for FillStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at, wanted, end, ..
        } = self;
        write!(f, "FillStream({at} of {wanted:?}, {end})")
    }
}
