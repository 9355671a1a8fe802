//! Listing folders: pages of keys become entries with names.

mod merge;
mod stream;

pub use merge::{Listed, Merger};
pub use stream::{Batch, ListStream};
