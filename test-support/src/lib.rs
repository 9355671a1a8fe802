//! Helpers that tests of several crates share.
//!
//! - `buckets`: servers with a bucket
//! - `clean`: check for leftovers
//! - `folders`: temporary folders
//! - `noise`: pseudorandom bytes
//! - `processes`: process trees
//! - `repeated`: repetitions in printed errors
//! - `signals`: signal dispositions of started programs
//! - `users`: ordinary users
//! - `wait`: waiting for a condition
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

mod buckets;
mod clean;
mod folders;
mod noise;
mod processes;
mod repeated;
mod signals;
mod users;
mod wait;

pub use buckets::{keys, served};
pub use clean::{Clean, mounts};
pub use folders::{MARK, folder, shared};
pub use noise::{noise, seeded_noise};
pub use processes::{children, command_line, descendants};
pub use repeated::repeated;
pub use signals::with_default_signals;
pub use users::{
    DEVICE, NOBODY, USE_DEVICE, after_script, as_nobody, become_nobody, copied, is_root,
};
pub use wait::{Found, Patience, eventually};
