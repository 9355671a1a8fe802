//! Calls on the chosen engine: this machine (`local`) or a cluster (`cluster`). Callers do not know
//! which.

mod calls;
mod choice;
mod emitted;
mod found;
mod mapped;

pub(crate) use calls::{Background, run_until};
pub use calls::{Manifest, manifest, run, run_async, run_command};
pub(crate) use choice::choose;
pub(crate) use emitted::Emitted;
pub use found::{Found, cancel_found, found_calls};
pub(crate) use found::{FoundCall, FoundValue, attach};
pub(crate) use mapped::Mapped;
