//! Reading of objects: read-ahead, fetches and open files.
//!
//! `window`, `backward`, `runs` and `access_pattern` decide what to fetch next (without I/O). `fetch`
//! requests it from the store, within `limits` that follow from the measured `link`, the memory and
//! the number of streams (`demand`). `part` holds the bytes that have arrived, and gives them out only as
//! those of its own version and range. `stream` is a sequence of reads with its parts, `tracking`
//! has all streams of a file, and `reader` is one open file. `coverage` is what the kernel has of
//! it. `whole_plan` decides when to fetch a whole file, and `whole_fetch` does it. `ahead` holds
//! files that were opened before a program asked. Knows nothing of inodes.

mod access_pattern;
mod ahead;
mod backward;
mod block;
mod coverage;
mod demand;
mod fetch;
mod limits;
mod link;
mod pacing;
mod pages;
mod part;
mod reader;
mod runs;
#[cfg(test)]
mod simulation;
mod stream;
mod supply;
#[cfg(test)]
mod tests;
mod tracking;
mod whole_fetch;
mod whole_plan;
mod window;

pub use ahead::{Ahead, OpenedReader, Opening};
pub use limits::FIRST;
pub use pages::Pages;
pub use reader::{Expected, Reader};
pub use supply::{ReadMemory, Supply};
