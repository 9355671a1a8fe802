//! `stub.toml`: named secrets, defaults of buckets, and jobs.
//!
//! Two files are read: the nearest `stub.toml` of the working folder or above it, and the user's own. What
//! both have, the nearer one says. docs/settings.md describes the format.

mod buckets;
mod engine;
mod error;
mod file;
mod jobs;
mod locate;
mod named;
mod secrets;
mod units;

use std::path::{Path, PathBuf};

use crate::options::{Engine, EngineName};
use crate::secret::{Secret, SecretError};
use crate::volume::CloudBucketMount;

pub use error::SettingsError;
pub use jobs::{Job, JobError};
pub use units::{Size, Time, VolumeUrl};

use file::File;

/// What the files say.
#[derive(Debug, Default)]
pub struct Settings {
    /// The nearer one first.
    files: Vec<Located>,
}

/// A file, and where it is: its relative paths begin there.
#[derive(Debug)]
struct Located {
    path: PathBuf,
    file: File,
}

impl Located {
    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

impl Settings {
    /// Reads the files that there are.
    ///
    /// # Errors
    /// One can't be read, or something in it is not understood: with its line, and what was probably meant.
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

    /// The volume, with the defaults of its bucket for what it doesn't say itself.
    pub fn apply(&self, volume: CloudBucketMount) -> CloudBucketMount {
        let mut files = self.files.iter();
        files
            .by_ref()
            .fold(volume, |volume, located| buckets::apply(located, volume))
    }

    /// The engine of this name, or the one that calls are run on unless told otherwise.
    pub(crate) fn engine(&self, name: Option<EngineName>) -> Engine {
        let tables = self.files.iter().map(|located| &located.file.engine);
        engine::engine(&tables, name)
    }

    /// A named secret.
    ///
    /// # Errors
    /// There is none of that name, or it can't be had.
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

    /// The jobs, sorted by their names.
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
mod tests;
