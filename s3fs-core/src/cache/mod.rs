//! Cache of objects in a folder of the local disk, for the next mount and for other processes.
//!
//! [`Cached`] is a store over another. Blocks of a version that the folder has come from there; the
//! rest comes from the store, and fills the folder on the way. The store is always asked for the
//! present version; only the bytes need not be sent again.
//!
//! An entry is one version of one object, in two files below `v2/`:
//!
//! - `ab/<rest of the object's hash>.<hash of the ETag>.data`: the bytes at their offsets, sparse,
//!   so that the file can be passed to the kernel as it is;
//! - `ab/<rest of the object's hash>.index`: the object, its headers, and a checksum for each
//!   block, 0 if it is absent.
//!
//! Headers can change while the bytes, and with them the `ETag`, do not. The object's time then
//! changes too, and the store reports it when it confirms a version. If the time differs, the
//! headers are requested. Times are in seconds, so headers that arrived soon after they were stored
//! are requested in any case.
//!
//! A block is written before its checksum and compared with it on each read. Neither a crash nor a
//! damaged disk can therefore produce wrong bytes, and writers need no order and no locks: the same
//! version has the same bytes, whichever process writes them. An object has one index. A new
//! version replaces an old one, which the store would not confirm any more.
//!
//! `format`, `header` and `name` define the content and the names of the files. `folder` opens
//! them, `entry` reads and writes one, and `verified_mark` verifies a whole one. `size_index` and
//! `evict` limit their size. `filler` stores whole objects before they are read. `writer` is the
//! thread that fills the folder while they are, behind a queue. If the disk is a little slower than
//! the network, reading waits for it, so that an object is fetched once. If it is much slower,
//! blocks are dropped.

mod assemble;
mod body;
mod cached;
mod entry;
mod error;
mod evict;
mod fill_stream;
mod filler;
mod folder;
mod format;
mod header;
mod missing_ranges;
mod name;
mod open;
mod scan;
mod size_index;
#[cfg(test)]
mod tests;
mod verified_mark;
mod writer;

pub use cached::Cached;
pub use error::CacheError;
pub use filler::Filler;
pub use name::Space;
pub use open::{Cache, Caches};
