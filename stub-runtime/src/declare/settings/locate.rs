//! Locations of the files.

use std::path::PathBuf;

use crate::host::config;

const NAME: &str = "stub.toml";

/// Returns the nearest file, and the user's own, as far as they exist.
pub(super) fn paths() -> Vec<PathBuf> {
    let folder = config::working_folder();
    let nearest = folder
        .ancestors()
        .map(|folder| folder.join(NAME))
        .find(|path| path.is_file());
    let own = config::settings_folder()
        .map(|folder| folder.join(NAME))
        .filter(|path| path.is_file() && nearest.as_ref() != Some(path));
    nearest.into_iter().chain(own).collect()
}
