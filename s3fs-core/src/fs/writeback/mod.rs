//! Writeback: changes that the bucket has yet to receive, and how they reach it.
//!
//! `queue` has the desired state of each key. `flush` makes the requests for it, and `wait` waits
//! for them. `error_mode` decides whether a program does. `failures` has those that failed, and
//! `rescue` saves their bytes.

mod error_mode;
mod failures;
mod flush;
mod queue;
mod rescue;
mod stats;
mod wait;

pub use failures::NotStored;
pub use stats::Pending;

pub(super) use error_mode::{Kind as Changes, Standing};
pub(super) use failures::Ledger;
pub(super) use queue::{Outbox, Want};
pub(super) use rescue::{Rescues, Reserve};
