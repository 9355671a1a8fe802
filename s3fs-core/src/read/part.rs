//! Range of an object as it arrives: blocks in order, each readable as soon as it is complete.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::object::{ByteRange, ETag};
use crate::read::block::BLOCK;
use crate::read::pacing::Arrival;
use crate::store::StoreError;

/// Range of one version of an object.
#[derive(Debug)]
pub struct Part {
    etag: ETag,
    range: ByteRange,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// Blocks that have arrived. Block `i` covers the intersection of the part with the grid's
    /// block `start / BLOCK + i`. Dropped blocks are empty.
    blocks: Vec<Bytes>,
    /// End offset of the bytes that have arrived.
    filled: u64,
    failed: Option<Arc<StoreError>>,
    is_given_up: bool,
}

/// Result of looking for bytes in a part.
#[derive(Debug)]
pub enum Lookup {
    /// Bytes from the offset, up to the end of the block, the part or the request, whichever comes
    /// first.
    Here(Bytes),
    /// Bytes that have not arrived yet.
    Pending,
    /// Bytes that were dropped, or whose fetch was cancelled.
    Gone,
    /// Bytes that will not arrive, because the fetch failed.
    Failed(Arc<StoreError>),
}

impl Part {
    /// Creates a part of a version, of which nothing has arrived.
    pub fn new(etag: ETag, range: ByteRange) -> Self {
        let state = State {
            blocks: Vec::new(),
            filled: range.start(),
            failed: None,
            is_given_up: false,
        };
        Self {
            etag,
            range,
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Returns the range of the part.
    pub fn range(&self) -> ByteRange {
        self.range
    }

    /// Returns whether `offset` lies in the part.
    pub fn covers(&self, offset: u64) -> bool {
        self.range.contains(offset)
    }

    /// Returns whether the byte at `offset` lies in the part, and has arrived or will. A byte that a
    /// failed fetch lacks is fetched again by the next read.
    pub fn holds(&self, offset: u64) -> bool {
        let byte = ByteRange::at(offset, 1).filter(|_| self.covers(offset));
        byte.is_some_and(|byte| matches!(self.find(byte), Lookup::Here(_) | Lookup::Pending))
    }

    /// Returns the end offset of the bytes that have arrived.
    pub fn filled(&self) -> u64 {
        self.lock().filled
    }

    /// Returns whether the bytes of `wanted` that lie in the part have arrived.
    pub fn arrival(&self, wanted: ByteRange) -> Arrival {
        if self.filled() >= wanted.end().min(self.range.end()) {
            Arrival::Here
        } else {
            Arrival::Pending
        }
    }

    /// Returns the length of the next block, in bytes: up to the grid line or the part's end.
    pub fn next_block_length(&self, filled: u64) -> u64 {
        (filled / BLOCK + 1)
            .saturating_mul(BLOCK)
            .min(self.range.end())
            - filled
    }

    /// Appends the next block, whose length must be `next_block_length`.
    pub fn push(&self, block: Bytes) {
        let mut state = self.lock();
        debug_assert_eq!(block.len() as u64, self.next_block_length(state.filled));
        state.filled += block.len() as u64;
        state.blocks.push(block);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Marks the part as failed and wakes all that wait for it.
    pub fn fail(&self, error: StoreError) {
        self.lock().failed = Some(Arc::new(error));
        self.changed.notify_waiters();
    }

    /// Marks the part as cancelled: nothing more will arrive.
    pub fn give_up(&self) {
        self.lock().is_given_up = true;
        self.changed.notify_waiters();
    }

    /// Waits until the whole part has arrived; returns false if it never will.
    pub async fn arrive(&self) -> bool {
        let end = self.range.end();
        let Some(last) = ByteRange::new(end - 1, end) else {
            return true;
        };
        loop {
            match self.find(last) {
                Lookup::Here(_) => return true,
                Lookup::Pending => self.wait(last).await,
                Lookup::Gone | Lookup::Failed(_) => return false,
            }
        }
    }

    /// Looks for the bytes of `wanted` in the version `etag`. A part of another version, or one that
    /// does not cover the start of `wanted`, gives no byte: [`Lookup::Gone`].
    pub fn look(&self, etag: &ETag, wanted: ByteRange) -> Lookup {
        if self.etag == *etag && self.covers(wanted.start()) {
            self.find(wanted)
        } else {
            Lookup::Gone
        }
    }

    /// Looks for the bytes of `wanted`, whose start the part covers.
    fn find(&self, wanted: ByteRange) -> Lookup {
        let state = self.lock();
        if wanted.start() >= state.filled {
            return match &state.failed {
                Some(error) => Lookup::Failed(Arc::clone(error)),
                None if state.is_given_up => Lookup::Gone,
                None => Lookup::Pending,
            };
        }
        let first = self.range.start() / BLOCK;
        let index = wanted.start() / BLOCK - first;
        let block = &state.blocks[index as usize];
        if block.is_empty() {
            return Lookup::Gone;
        }
        let block_start = (wanted.start() / BLOCK * BLOCK).max(self.range.start());
        let from = (wanted.start() - block_start) as usize;
        let until = block.len().min((wanted.end() - block_start) as usize);
        Lookup::Here(block.slice(from..until))
    }

    /// Waits until the result of `look` may have changed.
    pub async fn wait(&self, wanted: ByteRange) {
        let changed = self.changed.notified();
        tokio::pin!(changed);
        // Registered before the check, or a change in between would be missed.
        changed.as_mut().enable();
        if matches!(self.find(wanted), Lookup::Pending) {
            changed.await;
        }
    }

    /// Drops the blocks that end at or before `offset`.
    pub fn drop_before(&self, offset: u64) {
        if offset <= self.range.start() {
            return;
        }
        let whole = (offset / BLOCK - self.range.start() / BLOCK) as usize;
        let mut state = self.lock();
        let whole = whole.min(state.blocks.len());
        for block in &mut state.blocks[..whole] {
            *block = Bytes::new();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the beginning of `range` that none of the parts holds; `None` if one holds its first
/// byte.
pub fn missing<'a>(range: ByteRange, parts: impl Iterator<Item = &'a Part>) -> Option<ByteRange> {
    let mut end = range.end();
    for part in parts {
        if part.holds(range.start()) {
            return None;
        }
        let start = part.range.start();
        if (range.start()..end).contains(&start) && part.holds(start) {
            end = start;
        }
    }
    ByteRange::new(range.start(), end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreErrorKind;

    fn range(start: u64, end: u64) -> ByteRange {
        ByteRange::new(start, end).unwrap()
    }

    fn filled(start: u64, end: u64) -> Part {
        let part = Part::new(ETag::new("v"), range(start, end));
        while part.filled() < end {
            let at = part.filled();
            let length = part.next_block_length(at);
            let bytes: Vec<u8> = (at..at + length).map(|i| (i % 251) as u8).collect();
            part.push(bytes.into());
        }
        part
    }

    #[test]
    fn every_offset_of_an_unaligned_part_gives_its_own_byte() {
        let (start, end) = (BLOCK - 1000, 3 * BLOCK + 77);
        let part = filled(start, end);
        for offset in [start, BLOCK - 1, BLOCK, 2 * BLOCK + 5, 3 * BLOCK, end - 1] {
            let Lookup::Here(bytes) = part.look(&ETag::new("v"), range(offset, end)) else {
                panic!("{offset}")
            };
            assert_eq!(u64::from(bytes[0]), offset % 251);
            assert!(bytes.len() as u64 <= end - offset);
        }
    }

    #[test]
    fn no_byte_leaves_as_one_of_another_version_or_offset() {
        let part = filled(BLOCK, 2 * BLOCK);
        let look = |etag, start| part.look(&ETag::new(etag), range(start, start + 1));
        assert!(matches!(look("v", BLOCK), Lookup::Here(_)));
        assert!(matches!(look("w", BLOCK), Lookup::Gone));
        assert!(matches!(look("v", BLOCK - 1), Lookup::Gone));
        assert!(matches!(look("v", 2 * BLOCK), Lookup::Gone));
    }

    #[test]
    fn dropped_blocks_are_gone_and_later_ones_stay() {
        let part = filled(0, 3 * BLOCK);
        part.drop_before(2 * BLOCK + 1);
        assert!(matches!(
            part.look(&ETag::new("v"), range(BLOCK, BLOCK + 1)),
            Lookup::Gone
        ));
        assert!(!part.holds(2 * BLOCK - 1));
        assert!(part.holds(2 * BLOCK) && !part.holds(3 * BLOCK));
        assert!(matches!(
            part.look(&ETag::new("v"), range(2 * BLOCK, 2 * BLOCK + 1)),
            Lookup::Here(_)
        ));
    }

    #[test]
    fn what_a_failed_fetch_lacks_is_not_held() {
        let part = Part::new(ETag::new("v"), range(0, 2 * BLOCK));
        part.push(vec![0; BLOCK as usize].into());
        assert!(part.holds(0) && part.holds(BLOCK));
        part.fail(StoreError::new(
            "GetObject",
            "o".into(),
            StoreErrorKind::TimedOut,
        ));
        assert!(part.holds(0) && !part.holds(BLOCK));
    }

    #[test]
    fn only_what_no_part_holds_is_missing() {
        let range = |start, end| ByteRange::new(start * BLOCK, end * BLOCK);
        let parts = [
            filled(0, 3 * BLOCK),
            Part::new(ETag::new("v"), range(5, 7).unwrap()),
        ];
        parts[0].drop_before(BLOCK);
        let missing = |start, end| missing(range(start, end).unwrap(), parts.iter());
        assert_eq!(missing(3, 5), range(3, 5));
        assert_eq!(missing(4, 9), range(4, 5), "up to what is on its way");
        assert_eq!(missing(6, 9), None);
        assert_eq!(missing(2, 4), None);
        assert_eq!(missing(0, 1), range(0, 1), "was dropped");
    }
}
