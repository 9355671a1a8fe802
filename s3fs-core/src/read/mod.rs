//! Reading of objects: read-ahead, fetches and open files.
//!
//! `window`, `backward` and `course` decide what to fetch next (without I/O). `fetch` requests it
//! from the store. `part` holds the bytes that have arrived, and gives them out only as those of its
//! own version and range. `run` is a sequence of reads with its parts, and `reader` is one open
//! file. `cover` decides when to fetch a whole file, and `covering` does it. `ahead` holds files
//! that were opened before a program asked. Knows nothing of inodes.

mod ahead;
mod backward;
mod block;
mod course;
mod cover;
mod covering;
mod fetch;
mod pages;
mod part;
mod reader;
mod run;
mod window;

pub use ahead::{Ahead, Opening};
pub use block::BlockPool;
pub use pages::Pages;
pub use reader::{Expected, Reader};
pub use window::FIRST;
