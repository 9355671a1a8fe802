//! Reading objects: what to fetch next, fetching it, handing it out.
//!
//! `window` decides (without I/O), `fetch` asks the store, `part` holds what arrives and proves
//! what it is, `reader` is one open file. Knows nothing of inodes.

mod block;
mod fetch;
mod part;
mod reader;
mod window;

pub use block::BlockPool;
pub use reader::Reader;
