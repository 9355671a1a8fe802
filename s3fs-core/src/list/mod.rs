//! Listing of folders: pages of keys become entries with names.

mod deep;
mod descent;
mod guess;
mod merge;
mod order;
mod returned;
mod span;
mod stream;

pub use deep::Deep;
pub use descent::Descent;
pub use merge::{Hidden, Listed, Merger};
pub use order::{end_of, list_page};
pub use span::Dated;
pub use stream::{Batch, ListStream};
