//! Reading objects: what to fetch next, fetching it, handing it out.
//!
//! `window` decides (without I/O), `fetch` asks the store, `part` holds what arrives and proves
//! what it is, `reader` is one open file. `walk` decides which files to open before a program does
//! (without I/O), `ahead` keeps those. Knows nothing of inodes.

mod ahead;
mod block;
mod fetch;
mod part;
mod reader;
mod walk;
mod window;

pub use ahead::{Ahead, Opening};
pub use block::BlockPool;
pub use reader::{Expected, Reader};
pub use walk::{STEP, Walk};
pub use window::FIRST;
