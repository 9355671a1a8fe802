//! Warming: a tree of objects is brought into the cache before programs read it.
//!
//! `pace` decides how many requests are in flight, `object` fetches one object, `report` says what
//! became of each, and `warming` brings them together.

mod object;
mod pace;
mod report;
#[cfg(test)]
mod tests;
mod warming;

pub use report::{Amount, WarmProgress, WarmReport};
pub use warming::{WarmError, Warming};
