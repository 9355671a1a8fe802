//! Messages about keys that a function of the caller returns, on a connection of their own.

use s3fs_core::ReadKeys;
use serde::{Deserialize, Serialize};

/// Message from a process that serves volumes to the caller: call the function of a volume. It needs
/// no answer while an earlier one for the same volume has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AskKeys {
    /// Index of the volume.
    pub(crate) volume: usize,
}

/// Answer of the caller.
#[derive(Serialize, Deserialize)]
pub(crate) struct FoundKeys {
    /// Index of the volume.
    pub(crate) volume: usize,
    /// Keys, or the reason for which there are none.
    pub(crate) keys: Result<ReadKeys, String>,
}
