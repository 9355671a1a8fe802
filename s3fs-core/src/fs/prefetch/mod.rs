//! Prefetch: requests for what programs will probably ask for next.
//!
//! `open_heuristic`, `directory_scan` and `metadata_heuristic` decide without I/O. `open` opens
//! files ahead of programs, `metadata` requests stored metadata, `tree_listing` lists the folders of
//! a tree together, and `sibling_listing` asks for a name together with its neighbours.

mod directory_scan;
mod metadata;
mod metadata_heuristic;
mod open;
mod open_heuristic;
mod page;
mod root_page;
mod sibling_listing;
mod tree_listing;

use std::sync::{Arc, Mutex};
use std::time::Instant;

pub(super) use metadata_heuristic::Verdict;
pub(super) use page::{decide, object};

use crate::fs::TTL;
use crate::fs::core::Core;
use crate::fs::prefetch::metadata::Looking;
use crate::fs::prefetch::metadata_heuristic::Evidence;
use crate::fs::prefetch::open::Walks;
use crate::fs::prefetch::open_heuristic::Habit;
use crate::fs::prefetch::sibling_listing::Asked;
use crate::fs::prefetch::tree_listing::Descents;
use crate::read::Ahead;
use crate::store::ListPage;
use crate::tree::Ino;

/// Prefetch of one mount.
#[derive(Debug)]
pub(super) struct Prefetch {
    core: Arc<Core>,
    /// Files opened ahead of programs.
    ahead: Ahead,
    walks: Walks,
    descents: Descents,
    /// Heuristic whether programs open the names that they look up.
    habit: Mutex<Habit<Ino>>,
    asked: Asked,
    /// Heuristic for metadata that listings don't show.
    evidence: Evidence,
    looks: Walks,
    looking: Looking,
    /// First page of the root, and the time of its request.
    root_page: Mutex<Option<(ListPage, Instant)>>,
}

impl Prefetch {
    /// Creates a prefetch whose first root page was requested at `asked`. Must be called inside a
    /// tokio runtime.
    pub(super) fn new(core: Arc<Core>, root_page: ListPage, asked: Instant) -> Arc<Self> {
        Arc::new(Self {
            core,
            ahead: Ahead::new(TTL),
            walks: Walks::default(),
            descents: Descents::default(),
            habit: Mutex::default(),
            asked: Asked::default(),
            evidence: Evidence::default(),
            looks: Walks::default(),
            looking: Looking::default(),
            root_page: Mutex::new(Some((root_page, asked))),
        })
    }
}
