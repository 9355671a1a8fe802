//! Objects kept in a folder of the local disk, for the next mount and for other processes.
//!
//! [`Cached`] is a store over another: what the folder holds of a version comes from there, the
//! rest from the store, and passes into the folder on its way. The store is always asked which
//! version is there now; what it need not send again are the bytes.
//!
//! An entry is one version of one object, in two files below `v2/`:
//!
//! - `ab/<rest of the object's hash>.<hash of the ETag>.data`: the bytes at their offsets, sparse,
//!   so that the file can be handed to the kernel as it is;
//! - `ab/<rest of the object's hash>.index`: whose it is, its headers, and a checksum for each block, 0 for one
//!   that is absent.
//!
//! Headers can change though the bytes, and with them the `ETag`, do not. Then the object's time
//! changes too, which the store says when it confirms a version: if it is another one, the headers
//! are asked for. Times are in seconds, so headers that came soon after they were stored are asked
//! for in any case.
//!
//! A block is written before its checksum and compared with it whenever it is read, so neither a
//! crash nor a damaged disk can make wrong bytes of it, and writers need no order and no locks: the
//! same version is the same bytes, whoever writes them. An object has one index, so a new version
//! takes the place of an old one, whose bytes the store would not confirm any more.
//!
//! `format`, `header` and `name` say what is in the files and what they are called, `folder` opens them,
//! `entry` reads and writes one, `seal` proves one whole, `account` and `evict` bound them all.
//! `writer` is the thread that fills the folder, behind a queue. Where the disk is a little slower
//! than the network, reading waits for it, so that an object is fetched once; where it is much
//! slower, blocks are dropped.

mod account;
mod assemble;
mod body;
mod cached;
mod entry;
mod error;
mod evict;
mod folder;
mod format;
mod gaps;
mod header;
mod name;
mod open;
mod scan;
mod seal;
mod tee;
#[cfg(test)]
mod tests;
mod writer;

pub use cached::Cached;
pub use error::CacheError;
pub use name::Space;
pub use open::{Cache, Caches};
