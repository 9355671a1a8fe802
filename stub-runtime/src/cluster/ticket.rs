//! Data that a scheduler's script passes to a task.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::spool::Location;

/// Data that a scheduler's script passes to a task, as JSON on its standard input. Nothing in it is
/// a secret by itself: a key in it opens nothing without access to the bucket. docs/scale.md says
/// which threats the key is protected from.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) version: u32,
    /// Name of the call.
    pub(crate) call: Arc<str>,
    pub(crate) spool: Location,
    pub(crate) submission: u32,
    /// SHA-256 of the program, in hexadecimal.
    pub(crate) program: String,
    pub(crate) key: KeyPlace,
}

/// Place where tasks find the key of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum KeyPlace {
    /// In the spool, in a file for each task: only the user can read it, and it is removed when it is read.
    Spool,
    /// In the ticket, as the spool is a bucket.
    Here(String),
    /// In a file that the scheduler puts on the node.
    File(PathBuf),
}
