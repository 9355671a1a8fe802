//! Settings in `stub.toml`: named secrets, defaults of buckets, and jobs.
//!
//! Two files are read: the nearest `stub.toml` of the working folder or above it, and the user's
//! own. The nearer one takes precedence. docs/settings.md describes the format.

mod bucket;
mod bucket_pattern;
mod buckets;
mod engine;
mod error;
mod file;
mod jobs;
mod locate;
mod located;
mod named;
mod secrets;
mod units;
mod volume_option;
mod volume_url;

use std::path::PathBuf;

use crate::declare::options::{Engine, EngineName};
use crate::declare::secret::{Secret, SecretError};
use crate::declare::volume::CloudBucketMount;

pub use error::SettingsError;
pub use jobs::{Job, JobError};
pub use units::{Flag, Mode, Size, Tag, Time};
pub use volume_url::VolumeUrl;

use located::Located;

/// Settings in the files.
#[derive(Debug, Default)]
pub struct Settings {
    /// Files, the nearer one first.
    files: Vec<Located>,
}

impl Settings {
    /// Reads the existing files.
    ///
    /// # Errors
    /// A file can't be read or parsed; the error has the line, and the key that was probably meant.
    pub fn load() -> Result<Self, SettingsError> {
        Self::of(locate::paths())
    }

    fn of(paths: impl IntoIterator<Item = PathBuf>) -> Result<Self, SettingsError> {
        let read = |path: PathBuf| {
            let file = file::read(&path)?;
            Ok(file.map(|file| Located { path, file }))
        };
        let files = paths.into_iter().map(read).filter_map(Result::transpose);
        Ok(Self {
            files: files.collect::<Result<_, _>>()?,
        })
    }

    /// Returns the volume, with the defaults of its bucket for options that it doesn't set.
    pub fn apply(&self, volume: CloudBucketMount) -> CloudBucketMount {
        let mut files = self.files.iter();
        files
            .by_ref()
            .fold(volume, |volume, located| buckets::apply(located, volume))
    }

    /// Returns the engine of this name, or the default one.
    pub(crate) fn engine(&self, name: Option<EngineName>) -> Engine {
        let tables = self.files.iter().map(|located| &located.file.engine);
        engine::engine(&tables, name)
    }

    /// Returns a named secret.
    ///
    /// # Errors
    /// No secret has this name, or it can't be obtained.
    pub fn secret(&self, name: &str) -> Result<Secret, SecretError> {
        let mut files = self.files.iter();
        let found = files.find_map(|located| Some((located, located.file.secrets.get(name)?)));
        match found {
            Some((located, source)) => secrets::get(name, source, located.folder()),
            None => Err(SecretError::NotNamed {
                name: name.to_owned(),
                known: self.secret_names(),
            }),
        }
    }

    fn secret_names(&self) -> Vec<String> {
        let names = self
            .files
            .iter()
            .flat_map(|located| located.file.secrets.keys());
        names.cloned().collect()
    }

    /// Returns the jobs, sorted by name.
    pub fn jobs(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::new();
        for located in &self.files {
            for (name, job) in &located.file.jobs {
                if !jobs.iter().any(|nearer| nearer.name == *name) {
                    jobs.push(Job::new(name, job, &located.path));
                }
            }
        }
        jobs.sort_by(|one, other| one.name.cmp(&other.name));
        jobs
    }
}

#[cfg(test)]
mod bucket_tests;
#[cfg(test)]
mod tests;
