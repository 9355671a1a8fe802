//! Writing objects: small ones in one PUT, large ones as a multipart upload while they are written.
//!
//! `plan` decides part sizes (without I/O), `buffer` holds the part being filled, `upload` has
//! parts in flight, `writer` is one file open for writing. Knows nothing of inodes.

mod buffer;
mod plan;
mod target;
mod upload;
mod writer;

pub use buffer::PartPool;
pub use target::Target;
pub use writer::{Held, Stored, WriteError, Writer};
