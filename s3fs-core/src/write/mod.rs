//! Writing of objects: files can be changed in any way, and only changes are sent.
//!
//! Without I/O: `sizes` of parts, `extents` (the source of each byte of a file) and `plan` (the
//! requests that store such a file). `zeros` has runs of zeros from which holes are copied. `pool`,
//! `buffer` and `stage` hold bytes in memory and in unnamed files. `part_body` is the body of a
//! part, `open_upload` the start and the end of an upload, `upload` has parts in flight, and `unsent`
//! counts unsent bytes. `missed` has the ranges of mapped pages that were refused, and `interrupts`
//! the callers that stop a flush.
//!
//! A file is whole, or `streaming` (with the `retained_head` of what it has sent), or `staged`.
//! `file_state` turns one into another; `mutate` and `storing` are the operations on it. `attempts`
//! are those whose outcome is unknown, `endings` abort dropped uploads, and `writer` is the
//! interface. Knows nothing of inodes.

mod attempts;
mod buffer;
mod copy;
mod endings;
mod error;
mod extents;
mod fetch;
mod file_state;
mod interrupts;
mod missed;
mod mutate;
mod open_upload;
mod part_body;
mod plan;
mod plan_upload;
mod pool;
mod reading;
mod rescue;
mod retained_head;
mod sizes;
mod stage;
mod staged;
mod storing;
mod streaming;
mod target;
#[cfg(test)]
mod tests;
mod unsent;
mod upload;
mod upload_part;
mod writer;
mod zeros;

pub use copy::copy_object;
pub use endings::Endings;
pub use error::WriteError;
pub use interrupts::{FindNeed, FlushNeed, Interrupts};
pub use pool::PartPool;
pub use reading::{Piece, Reading};
pub use stage::Stages;
pub use target::{Destination, FindDestination, Stored, Target};
pub use unsent::Unsent;
pub use writer::Writer;
pub use zeros::ZeroSources;
