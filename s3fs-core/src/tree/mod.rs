//! Tree of names: inodes, their names, and the age of the cached state.
//!
//! An inode is one version of an object. When another client replaces the object, its name gets a
//! new inode. The kernel's page cache belongs to an inode, so bytes of two versions never meet in
//! it. Changes made through this mount keep the inode, as on any file system. `numbers` assigns the
//! numbers that programs and the kernel see.
//!
//! All methods are short and without I/O; one lock guards everything.

mod change;
mod coverage;
mod ids;
mod inode;
mod kernel_listing;
mod knowledge;
mod lasting;
mod listing_order;
mod numbers;
mod removal;
mod state;
mod stored_attrs;
mod table;
#[cfg(test)]
mod tests;

pub use ids::{FileNumber, Ino, NodeId};
pub use inode::{Entry, FileState, Kind};
pub use kernel_listing::ListingCache;
pub use knowledge::{Cached, ListingEntry, Reported};
pub use listing_order::ListingOrder;
pub use removal::Removed;
pub use stored_attrs::{EntryAttrs, StoredAttrs};
pub use table::Tree;
