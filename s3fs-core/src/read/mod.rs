//! Reading objects: what to fetch next, fetching it, handing it out.
//!
//! `window`, `backward` and `course` decide (without I/O), `fetch` asks the store, `part` holds what
//! arrives and proves what it is, `run` is a sequence of reads with its parts, `reader` is one open
//! file; `cover` decides when to fetch the whole of one, `covering` does it. `walk` and `habit` decide which files to open before a program does
//! (without I/O), `ahead` keeps those. Knows nothing of inodes.

mod ahead;
mod backward;
mod block;
mod course;
mod cover;
mod covering;
mod fetch;
mod habit;
mod pages;
mod part;
mod reader;
mod run;
mod walk;
mod window;

pub use ahead::{Ahead, Opening};
pub use block::BlockPool;
pub use habit::Habit;
pub use pages::Pages;
pub use reader::{Expected, Reader};
pub use walk::{STEP, Walk};
pub use window::FIRST;
