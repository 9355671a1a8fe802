//! Access control: access keys, their policies, and the permission check of each request.

mod access_key;
mod check;
mod chunks;
mod denial;
mod directory;
mod keys;
mod pattern;
mod policy;
mod sessions;
mod signature;

pub(crate) use access_key::{AccessKey, SessionMode, SessionScope};
pub(crate) use check::Access;
pub(crate) use denial::access_denied;
pub(crate) use keys::{Ended, KeyRing};
pub use policy::Policy;
pub(crate) use sessions::Sessions;
