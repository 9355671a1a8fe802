//! FUSE protocol: converts the kernel's requests to calls of [`Fs`](crate::fs::Fs).
//!
//! Only this module names `fuser`. An answer that is known at once is sent on the thread that read
//! the request. Every other request becomes a task of the tokio runtime, which carries the reply.

mod adapter;
mod convert;
mod kernel;
mod mounted_folder;
mod mounts;
mod passthrough;
mod session;

pub use mounted_folder::{MountedFolder, MountedFolderError};
pub use mounts::MountEntry;
pub use session::{MountPoint, Session, SessionEnd, Unmount};
