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
mod sibling_listing;
mod tree_listing;

pub(super) use metadata::Looking;
pub(super) use metadata_heuristic::{Evidence, Verdict};
pub(super) use open::Walks;
pub(super) use open_heuristic::Habit;
pub(super) use page::{decide, object};
pub(super) use sibling_listing::Asked;
pub(super) use tree_listing::Descents;
