//! Writing objects: anything may happen to a file, and only what changed is sent.
//!
//! Without I/O: `sizes` of parts, `extents` (where each byte of a file is), `plan` (how such a file is
//! stored). `pool`, `buffer` and `stage` hold bytes in memory and in nameless files; `job` is what a
//! part is made of, `upload` has parts in flight, `left` is what has yet to be sent, `missed` what was refused to the kernel. A file is whole, or `streaming` (with the `head` of
//! what it has sent), or `staged`: `inner` makes one of the other, `changing` and `storing` are what
//! is done to it, `attempts` are those whose outcome is unknown, and `writer` is its face. Knows nothing of inodes.

mod attempts;
mod begun;
mod buffer;
mod changing;
mod copy;
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
pub use error::WriteError;
pub use left::Left;
pub use pool::PartPool;
pub use reading::{Piece, Reading};
pub use stage::Stages;
pub use target::{Destination, Place, Stored, Target};
pub use writer::Writer;
