//! Receivers of a job's output, line by line.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

/// Output stream of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OutputStream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Receiver of a job's output.
pub(crate) trait Sink: Debug + Send + Sync {
    /// Handles a line, with its line ending. `of`: index of the input that was being run, if this is a map.
    fn line(&self, stream: OutputStream, of: Option<u64>, line: &[u8]);
}
