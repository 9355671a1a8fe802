//! Storage of bodies: in memory, or in files of a folder.
//!
//! ```text
//! folder/
//!   lock       held while a server uses the folder
//!   journal    every change of the catalog, one line each
//!   blobs/     the bodies, one file for each body received
//! ```
//!
//! A killed server loses no confirmed change. Nothing is flushed to the disk itself, so a power failure
//! may cost the last seconds.

mod folder;
mod journal;

pub(crate) use folder::{Folder, OpenError};

use std::io;
use std::sync::Arc;

use crate::content::Sink;

/// The kind of store a server was started with.
#[derive(Clone, Debug)]
pub(crate) enum Storage {
    Memory,
    Folder(Arc<Folder>),
}

impl Storage {
    /// Returns a sink for one body.
    pub(crate) fn sink(&self) -> io::Result<Sink> {
        match self {
            Storage::Memory => Ok(Sink::memory()),
            Storage::Folder(folder) => Ok(Sink::file(folder.create_blob()?)),
        }
    }
}
