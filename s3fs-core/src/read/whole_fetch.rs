//! Fetches the whole of a file that is read at random offsets, into the page cache.

use std::sync::{Arc, Weak};

use crate::object::{ByteRange, ETag};
use crate::read::coverage::Coverage;
use crate::read::fetch::{Fetch, Source};
use crate::read::pages::Pages;
use crate::read::part::{Lookup, Part};
use crate::read::whole_plan::WholePlan;

/// Largest file to fetch whole, as a multiple of our own memory: the kernel can shrink its page
/// cache.
const PAGES: u64 = 4;

/// Largest file to fetch whole, in bytes, whatever the memory: a program that reads here and there in a
/// larger one seldom wants most of it.
const LARGEST: u64 = 512 << 20;

/// Largest file to fetch whole into our own memory, in bytes, where the page cache takes none.
const LARGEST_HELD: u64 = 64 << 20;

/// End of a part of a whole-file fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartEnd {
    /// Taken by the page cache.
    Stored,
    /// Arrived, but not taken by the page cache: stays in memory.
    Kept,
    /// Not arrived.
    Failed,
}

/// Owner of a whole-file fetch: the reader that has the file open.
pub trait Owner: Send + Sync {
    /// Reports that a part has arrived or failed.
    fn part_ended(&self, part: &Arc<Part>, end: PartEnd);
}

/// File that is being fetched whole, or may come to be.
#[derive(Debug)]
pub struct WholeFetch {
    plan: WholePlan,
    /// Parts in flight, and parts that the page cache did not take.
    parts: Vec<Arc<Fetch>>,
    on_their_way: usize,
}

impl WholeFetch {
    /// Creates a whole-file fetch for `source`; `None` if the file is too large.
    pub fn of(source: &Source) -> Option<Self> {
        let room = room(source.supply.budget.total(), source.pages.get().is_some());
        Some(Self {
            plan: WholePlan::new(source.size, room)?,
            parts: Vec::new(),
            on_their_way: 0,
        })
    }

    /// Returns the part that contains the byte at `offset`.
    pub fn covering(&self, offset: u64) -> Option<&Arc<Fetch>> {
        self.parts.iter().find(|fetch| fetch.part.covers(offset))
    }

    /// Returns the parts in flight, and parts that the page cache did not take.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().map(|fetch| &*fetch.part)
    }

    /// Records a jump that waits for a request of its own, and counts as `credit` scattered bytes.
    pub fn elsewhere(&mut self, credit: u64) {
        self.plan.elsewhere(credit);
    }

    /// Returns whether the file is being fetched, or was.
    pub fn is_begun(&self) -> bool {
        self.plan.is_begun()
    }

    /// Returns whether another part may be started now.
    pub fn is_due(&self) -> bool {
        self.plan.is_due(self.on_their_way)
    }

    /// Records that a part has arrived or failed.
    pub fn ended(&mut self, part: &Arc<Part>, end: PartEnd) {
        self.on_their_way -= 1;
        if end != PartEnd::Kept {
            self.forget(part);
        }
    }

    /// Returns the bytes of all parts that were started.
    pub fn started(&self) -> &Coverage {
        self.plan.started()
    }

    /// Starts the next parts, as far as unused memory allows, but for bytes that are `held`. Returns
    /// whether that ended a pass.
    pub fn go_on(
        &mut self,
        held: &Coverage,
        source: &Arc<Source>,
        owner: &Weak<dyn Owner>,
    ) -> bool {
        while let Some(part) = self.plan.peek(self.on_their_way, held) {
            let Some(grant) = source.supply.budget.try_take(part.length()) else {
                return false;
            };
            self.plan.begin(part);
            let fetch = Fetch::start(source, part, Some(grant));
            self.adopt(fetch, part.start(), source, owner);
        }
        let is_ended = self.on_their_way == 0 && self.is_due();
        if is_ended {
            self.plan.end_pass();
        }
        is_ended
    }

    /// Adds a part whose bytes from the offset `lacking` on are to be put into the page cache.
    pub fn adopt(
        &mut self,
        fetch: Arc<Fetch>,
        lacking: u64,
        source: &Arc<Source>,
        owner: &Weak<dyn Owner>,
    ) {
        let part = Arc::clone(&fetch.part);
        self.parts.push(fetch);
        self.on_their_way += 1;
        let placing = place(Arc::clone(source), part, lacking, owner.clone());
        source.runtime.spawn(placing);
    }

    /// Drops a part that failed.
    pub fn forget(&mut self, part: &Arc<Part>) {
        self.parts.retain(|fetch| !Arc::ptr_eq(&fetch.part, part));
    }

    /// Drops all parts that are held.
    pub fn drop_parts(&mut self) {
        self.parts.clear();
    }
}

/// Waits for a part and hands it to the page cache, from the offset `lacking` on. Holds only the
/// part, not its fetch. The request therefore ends when the file is closed or the memory is needed.
async fn place(source: Arc<Source>, part: Arc<Part>, lacking: u64, owner: Weak<dyn Owner>) {
    let is_here = part.arrive().await;
    let is_placed = match source.pages.get() {
        Some(pages) if is_here && owner.strong_count() > 0 => {
            let (pages, part) = (Arc::clone(pages), Arc::clone(&part));
            let placing =
                tokio::task::spawn_blocking(move || store(&part, lacking, &source.etag, &*pages));
            placing.await.unwrap_or(false)
        }
        _ => false,
    };
    let end = match (is_here, is_placed) {
        (_, true) => PartEnd::Stored,
        (true, false) => PartEnd::Kept,
        (false, false) => PartEnd::Failed,
    };
    if let Some(owner) = owner.upgrade() {
        owner.part_ended(&part, end);
    }
}

/// Returns whether the page cache took the part from the offset `at` on.
fn store(part: &Part, mut at: u64, etag: &ETag, pages: &dyn Pages) -> bool {
    let range = part.range();
    while let Some(rest) = ByteRange::new(at, range.end()) {
        let Lookup::Here(bytes) = part.look(etag, rest) else {
            return false;
        };
        if !pages.store(at, &bytes) {
            return false;
        }
        at += bytes.len() as u64;
    }
    true
}

/// Returns the size of the largest file to fetch whole, in bytes.
fn room(memory: u64, has_pages: bool) -> u64 {
    if has_pages {
        memory.saturating_mul(PAGES).min(LARGEST)
    } else {
        (memory / 2).min(LARGEST_HELD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_memory_is_no_reason_to_hold_larger_files() {
        assert_eq!(room(32 << 20, false), 16 << 20);
        assert_eq!(room(8 << 30, false), 64 << 20);
        assert_eq!(room(128 << 20, true), 512 << 20);
        assert_eq!(room(8 << 30, true), 512 << 20);
    }
}
