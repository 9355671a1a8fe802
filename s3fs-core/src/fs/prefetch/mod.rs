//! Prefetch: requests for what programs will probably ask for next.
//!
//! `open_heuristic`, `directory_scan`, `name_series` and `metadata_heuristic` decide without I/O,
//! the last three by what `folders` has recorded of each folder. `open` opens files ahead of
//! programs, `metadata` requests stored metadata, `tree_listing` lists the folders of a tree
//! together, and `sibling_listing` asks for a name together with its neighbours.

mod directory_scan;
mod folder_map;
mod folders;
mod metadata;
mod metadata_heuristic;
mod name_series;
mod open;
mod open_heuristic;
mod page;
mod root_page;
mod sibling_listing;
mod tree_listing;

use std::sync::Arc;
use std::time::Instant;

pub(super) use metadata_heuristic::Verdict;
pub(super) use page::{decide, object};

use crate::fs::TTL;
use crate::fs::core::Core;
use crate::fs::prefetch::folders::Folders;
use crate::fs::prefetch::metadata::MetadataRequests;
use crate::fs::prefetch::open_heuristic::OpenHeuristic;
use crate::fs::prefetch::tree_listing::TreeListings;
use crate::ordered::{LAST, Ordered};
use crate::read::Ahead;
use crate::store::ListPage;
use crate::tree::Ino;

/// Prefetch of one mount.
#[derive(Debug)]
pub(super) struct Prefetch {
    core: Arc<Core>,
    /// Files opened ahead of programs.
    opens: Ahead,
    /// Heuristic whether programs open the names that they look up.
    open_heuristic: Ordered<OpenHeuristic<Ino>, LAST>,
    folders: Folders,
    metadata_requests: MetadataRequests,
    tree_listings: TreeListings,
    /// First page of the root, and the time of its request.
    root_page: Ordered<Option<(ListPage, Instant)>, LAST>,
}

impl Prefetch {
    /// Creates a prefetch whose first root page was requested at `asked`. Must be called inside a
    /// tokio runtime.
    pub(super) fn new(core: Arc<Core>, root_page: ListPage, asked: Instant) -> Arc<Self> {
        Arc::new(Self {
            core,
            opens: Ahead::new(TTL),
            open_heuristic: Ordered::default(),
            folders: Folders::default(),
            metadata_requests: MetadataRequests::default(),
            tree_listings: TreeListings::default(),
            root_page: Ordered::new(Some((root_page, asked))),
        })
    }
}
