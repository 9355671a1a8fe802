//! Listing folders: pages of keys become entries with names.

mod guess;
mod merge;
mod span;
mod stream;

pub use merge::{Listed, Merger};
pub use stream::{Batch, ListStream};
