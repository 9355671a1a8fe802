//! Writing of objects: files can be changed in any way, and only changes are sent.
//!
//! Without I/O: `sizes` of parts, `extents` (the source of each byte of a file) and `plan` (the
//! requests that store such a file). `pool`, `buffer` and `stage` hold bytes in memory and in
//! unnamed files. `job` is the body of a part, `upload` has parts in flight, and `left` counts
//! unsent bytes. `missed` has the ranges of mapped pages that were refused.
//!
//! A file is whole, or `streaming` (with the `head` of what it has sent), or `staged`. `inner`
//! turns one into another; `changing` and `storing` are the operations on it. `attempts` are those
//! whose outcome is unknown, `endings` abort dropped uploads, and `writer` is the interface. Knows
//! nothing of inodes.

mod attempts;
mod begun;
mod buffer;
mod changing;
mod copy;
mod endings;
mod error;
mod extents;
mod fetch;
mod head;
mod inner;
mod job;
mod left;
mod missed;
mod plan;
mod pool;
mod reading;
mod rescue;
mod sizes;
mod stage;
mod staged;
mod storing;
mod streaming;
mod target;
#[cfg(test)]
mod tests;
mod upload;
mod writer;

pub use copy::copy_object;
pub use endings::Endings;
pub use error::WriteError;
pub use left::Left;
pub use pool::PartPool;
pub use reading::{Piece, Reading};
pub use stage::Stages;
pub use target::{Destination, Place, Stored, Target};
pub use writer::Writer;
