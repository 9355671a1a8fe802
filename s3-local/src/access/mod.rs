//! Access control: access keys, their policies, and the permission check of each request.

mod check;
mod keys;
mod pattern;
mod policy;

pub(crate) use check::{Access, access_denied};
pub(crate) use keys::{AccessKey, Ended, KeyRing};
pub use policy::Policy;
