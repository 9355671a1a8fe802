//! The kernel's edge: requests of the FUSE protocol become calls of [`Fs`](crate::fs::Fs).
//!
//! The only place that names `fuser`. Answers that are known at once are given on the thread that
//! read the request; everything else becomes a task of the tokio runtime, which carries the reply.

mod adapter;
mod convert;
mod kernel;
mod mounts;
mod passthrough;
mod session;

pub use mounts::MountEntry;
pub use session::{MountPoint, Session, SessionEnd, Unmount};
