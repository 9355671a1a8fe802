//! Keys from functions of the calling process, for processes that serve its volumes.
//!
//! A connection of its own carries the questions: the caller takes messages of a sandbox only when
//! somebody waits for an input or a value, and a bucket may refuse keys at any time.

mod answers;
mod asker;

use std::sync::Arc;

use s3fs_core::{KeySource, MountConfig, ReadKeySource};

use crate::declare::SecretReader;

pub(super) use answers::Answers;
pub(crate) use answers::SharedAnswers;
pub(super) use asker::Asker;

/// Returns the reader of a volume's keys in a process that serves it. `asker` asks the caller, if
/// there are functions to ask.
pub(super) fn reader(
    mount: &MountConfig,
    volume: usize,
    asker: Option<&Asker>,
) -> Arc<dyn ReadKeySource> {
    match (&mount.key_source, asker) {
        (Some(KeySource::Function { .. }), Some(asker)) => Arc::new(asker.of(volume)),
        _ => Arc::new(SecretReader::of(mount)),
    }
}

#[cfg(test)]
mod tests;
