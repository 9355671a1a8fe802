//! Fetching the whole of a file that is read here and there, and handing it to the page cache.

use std::sync::{Arc, Weak};

use crate::read::cover::Cover;
use crate::read::fetch::{Fetch, Source};
use crate::read::pages::Pages;
use crate::read::part::{Lookup, Part};

/// The page cache is the kernel's to shrink, so it may take a multiple of our own memory.
const PAGES: u64 = 4;

/// Whoever has the file open.
pub trait Owner: Send + Sync {
    /// A part has arrived, or failed, and is kept or is not.
    fn part_ended(&self, part: &Arc<Part>, is_kept: bool);
}

/// A file that is being covered, or may come to be.
#[derive(Debug)]
pub struct Covering {
    plan: Cover,
    /// The parts on their way, and those that found no place in the page cache.
    parts: Vec<Arc<Fetch>>,
    on_their_way: usize,
}

impl Covering {
    /// Of this file; nothing if it is too large.
    pub fn of(source: &Source) -> Option<Self> {
        let memory = source.budget.total();
        let room = match source.pages.get() {
            Some(_) => PAGES * memory,
            None => memory / 2,
        };
        Some(Self {
            plan: Cover::new(source.size, room)?,
            parts: Vec::new(),
            on_their_way: 0,
        })
    }

    /// The part that has the byte at the offset.
    pub fn covering(&self, offset: u64) -> Option<&Arc<Fetch>> {
        self.parts.iter().find(|fetch| fetch.part.covers(offset))
    }

    /// One more read, of so many bytes, waits for a request of its own.
    pub fn elsewhere(&mut self, length: u64, source: &Arc<Source>, owner: &Weak<dyn Owner>) {
        self.plan.elsewhere(length);
        self.go_on(source, owner);
    }

    /// A part has arrived, or failed.
    pub fn ended(&mut self, part: &Arc<Part>, is_kept: bool) {
        self.on_their_way -= 1;
        if !is_kept {
            self.forget(part);
        }
    }

    /// Begins the next parts, as far as there is memory that nobody needs.
    pub fn go_on(&mut self, source: &Arc<Source>, owner: &Weak<dyn Owner>) {
        while let Some(part) = self.plan.peek(self.on_their_way)
            && let Some(grant) = source.budget.try_take(part.length())
        {
            self.plan.begin(part);
            let fetch = Fetch::start(source, part, Some(grant));
            let part = Arc::clone(&fetch.part);
            self.parts.push(fetch);
            self.on_their_way += 1;
            let placing = place(Arc::clone(source), part, owner.clone());
            source.runtime.spawn(placing);
        }
    }

    /// A part that failed is of no use.
    pub fn forget(&mut self, part: &Arc<Part>) {
        self.parts.retain(|fetch| !Arc::ptr_eq(&fetch.part, part));
    }

    /// Drops what is here.
    pub fn drop_parts(&mut self) {
        self.parts.clear();
    }
}

/// Waits for a part and hands it to the page cache. Holds what arrives and not the request for it,
/// which ends when the file is closed or the memory is needed.
async fn place(source: Arc<Source>, part: Arc<Part>, owner: Weak<dyn Owner>) {
    let is_here = part.arrive().await;
    let is_placed = match source.pages.get() {
        Some(pages) if is_here && owner.strong_count() > 0 => {
            let (pages, part) = (Arc::clone(pages), Arc::clone(&part));
            let placing = tokio::task::spawn_blocking(move || store(&part, &*pages));
            placing.await.unwrap_or(false)
        }
        _ => false,
    };
    if let Some(owner) = owner.upgrade() {
        owner.part_ended(&part, is_here && !is_placed);
    }
}

/// Whether the page cache took all of it.
fn store(part: &Part, pages: &dyn Pages) -> bool {
    let range = part.range();
    let mut at = range.start();
    while let Lookup::Here(bytes) = part.look(&(at..range.end())) {
        if !pages.store(at, &bytes) {
            return false;
        }
        at += bytes.len() as u64;
        if at == range.end() {
            return true;
        }
    }
    false
}
