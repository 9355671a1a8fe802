//! Format of the file.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::bucket::BucketTable;
use super::bucket_pattern::BucketPattern;
use super::engine::EngineTable;
use super::error::SettingsError;
use super::units::{Size, Time};
use super::volume_url::VolumeUrl;
use crate::declare::schedule::Schedule;
use crate::declare::volume::VolumePath;
use crate::host::trusted;
use crate::host::trusted::Untrusted;

/// Whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) secrets: BTreeMap<String, Source>,
    pub(super) buckets: BTreeMap<BucketPattern, BucketTable>,
    pub(super) jobs: BTreeMap<String, JobTable>,
    pub(super) engine: EngineTable,
}

/// Source of a secret.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Source {
    /// Variables of the environment.
    Env(Vec<String>),
    /// File of `NAME=value` lines, which nobody else may read.
    File(PathBuf),
    /// Program that prints `NAME=value` lines, with its arguments.
    Command(Vec<String>),
    /// Profile of the AWS configuration files.
    Profile(String),
}

/// Command with all that it needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobTable {
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) volumes: BTreeMap<VolumePath, VolumeUrl>,
    #[serde(default)]
    pub(super) secrets: Vec<String>,
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    pub(super) timeout: Option<Time>,
    #[serde(default)]
    pub(super) retries: u32,
    pub(super) retry_delay: Option<Time>,
    pub(super) cpu: Option<f64>,
    pub(super) memory: Option<Size>,
    #[serde(default)]
    pub(super) lenient_limits: bool,
    pub(super) workdir: Option<PathBuf>,
    pub(super) schedule: Option<Schedule>,
    #[serde(default = "yes")]
    pub(super) network: bool,
    #[serde(default)]
    pub(super) isolate: bool,
    #[serde(default)]
    pub(super) description: String,
}

fn yes() -> bool {
    true
}

impl JobTable {
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout.map(|time| time.0)
    }
}

/// Reads a file; returns nothing if there is none. The file has commands, and the destinations of
/// secrets. So it fails for a file that other users can change.
pub(super) fn read(path: &Path) -> Result<Option<File>, SettingsError> {
    let unreadable = |source| SettingsError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let bytes = match trusted::read(path) {
        Ok((bytes, _)) => bytes,
        Err(error) if error.is_missing() => return Ok(None),
        Err(Untrusted::Io { source, .. }) => return Err(unreadable(source)),
        Err(error) => {
            return Err(SettingsError::NotTrusted {
                path: path.to_owned(),
                reason: error.to_string(),
            });
        }
    };
    let text = String::from_utf8(bytes)
        .map_err(|_| unreadable(io::Error::new(ErrorKind::InvalidData, "it is not UTF-8")))?;
    toml::from_str(&text)
        .map(Some)
        .map_err(|error| SettingsError::malformed(path, &text, &error))
}
