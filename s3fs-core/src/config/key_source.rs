//! Places from which the program that mounts gets keys again.

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// Place from which the keys of a mount came, and others may come when the bucket refuses them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeySource {
    /// File of `NAME=value` lines.
    File(PathBuf),
    /// Such a file, which only its owner may read and change.
    PrivateFile(PathBuf),
    /// Program that prints `NAME=value` lines.
    Command {
        /// Name of the secret, for messages.
        name: String,
        /// Program and its arguments.
        words: Vec<String>,
        /// Folder in which it runs.
        folder: PathBuf,
    },
    /// Function of one process, which no other process can call.
    Function {
        /// Place of the function in its code, for messages.
        place: String,
    },
}

/// Keys that were read again.
#[derive(Clone, Serialize, Deserialize)]
pub struct ReadKeys {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`, for temporary credentials.
    pub session_token: Option<String>,
    /// Time at which the keys expire, if it is known.
    pub expires: Option<SystemTime>,
}

/// Reader of key sources, of the program that mounts. It may block.
pub trait ReadKeySource: Debug + Send + Sync {
    /// Reads the keys.
    ///
    /// # Errors
    /// Returns the reason, without a key, if there are none.
    fn read(&self, source: &KeySource) -> Result<ReadKeys, String>;
}
