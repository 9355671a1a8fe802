//! Named secrets.

use std::path::Path;

use s3fs_core::KeySource;

use super::file::Source;
use crate::declare::secret::{Secret, SecretError, source};

/// Gets a secret from where the file says. Relative paths begin at the file's folder.
pub(super) fn get(name: &str, from: &Source, folder: &Path) -> Result<Secret, SecretError> {
    match from {
        Source::Env(variables) => Secret::from_env(variables.iter().cloned()),
        Source::File(path) => source::read(&KeySource::PrivateFile(folder.join(path))),
        Source::Profile(profile) => Secret::from_profile(profile),
        Source::Command(words) => source::read(&KeySource::Command {
            name: name.to_owned(),
            words: words.clone(),
            folder: folder.to_owned(),
        }),
    }
}
