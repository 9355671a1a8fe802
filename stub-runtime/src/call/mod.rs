//! One call of one function: what it carries, how it ended.

mod outcome;
mod spec;

pub use outcome::{Ended, Outcome};
pub use spec::{CallSpec, Volume, Work};
