//! What a scheduler's script hands to a task.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::spool::Location;

/// What a scheduler's script gives a task, as JSON on its standard input: nothing in it is a secret by itself. See
/// docs/scale.md for which threat the key is kept from.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ticket {
    pub(crate) version: u32,
    /// The name of the call.
    pub(crate) call: Arc<str>,
    pub(crate) spool: Location,
    pub(crate) submission: u32,
    /// SHA-256 of the program, in hexadecimal.
    pub(crate) program: String,
    pub(crate) key: KeyPlace,
}

/// Where the key of a call is for its tasks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum KeyPlace {
    /// In the spool, in a file for each task, which only the user can read and which is removed when it is read.
    Spool,
    /// Here: the spool is elsewhere.
    Here(String),
    /// In a file of the node that the scheduler puts there.
    File(PathBuf),
}
