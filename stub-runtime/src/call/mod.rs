//! Values of a call: what it carries, and how it ended. They are versioned and serialisable.

mod attempt;
mod error;
mod limits;
mod outcome;
mod spec;
mod step;

pub use attempt::Attempt;
pub use error::{Error, ErrorKind, Message, Result};
pub use limits::Limits;
pub(crate) use limits::OwnLimits;
pub(crate) use outcome::GRACE;
pub use outcome::{Ended, Outcome};
pub use s3fs_core::NotStored;
pub use spec::{CallSpec, Volume, Work};
pub use step::SandboxStep;
