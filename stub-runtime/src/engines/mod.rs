//! Calls on the chosen engine: this machine (`local`) or a cluster (`cluster`). Callers do not know
//! which.

mod calls;
mod choice;
mod emitted;
mod found;
#[cfg(feature = "cluster")]
mod listed;
mod mapped;

pub(crate) use calls::{Background, run_until};
pub use calls::{Manifest, manifest, run, run_async, run_command};
pub(crate) use choice::choose;
pub(crate) use emitted::Emitted;
pub use found::cancel_found;
pub(crate) use found::{FoundCall, FoundValue, attach};
#[cfg(feature = "cluster")]
pub use listed::{ListedCall, found_calls};
pub(crate) use mapped::Mapped;
