//! Calls, sandboxes, supervisors and workers behind `#[stub::function]`.

pub mod call;
mod error;
mod function;
mod payload;
mod secret;
mod volume;

pub use error::{Error, Result};
pub use secret::Secret;
pub use volume::CloudBucketMount;

/// What the expansion of `#[stub::function]` names. Not public API.
#[doc(hidden)]
pub mod __private {
    pub use linkme;

    pub use crate::function::{FUNCTIONS, Function};
    pub use crate::payload::Payload;
}
