//! Warming: a tree of objects is brought into the cache before programs read it.
//!
//! `pace` decides how many requests are in flight, `object` fetches one object, `report` says what
//! became of each, and `warming` brings them together. `folders` warms those of a mount.

mod folders;
mod object;
mod pace;
mod report;
#[cfg(test)]
mod tests;
mod warming;

pub(crate) use folders::warm_folders;
pub use report::{Amount, WarmProgress, WarmReport};
pub use warming::{WarmError, Warming};
