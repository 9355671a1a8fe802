//! Jobs: commands with all that they need.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Settings;
use super::file::JobTable;
use crate::call::{CallSpec, Limits, Volume, Work};
use crate::declare::options::Retries;
use crate::declare::schedule::Schedule;
use crate::declare::secret::{Secret, SecretError, environment};
use crate::declare::volume::VolumeError;
use crate::host::config;

/// Job of `stub.toml`.
#[derive(Clone, Debug)]
pub struct Job {
    /// Name of the job.
    pub name: String,
    /// File that has the job.
    pub file: PathBuf,
    table: JobTable,
}

/// Reason for which a job can't be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// A secret can't be obtained.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A volume can't be mounted.
    #[error("failed to mount volume `{}`", path.display())]
    Volume {
        /// Path of the volume.
        path: PathBuf,
        /// Cause.
        source: VolumeError,
    },
    /// A limit makes no sense.
    #[error("{0}")]
    Limit(String),
    /// The job has no command.
    #[error("`command` is empty\nwrite a program and its arguments")]
    NoCommand,
}

impl Job {
    pub(super) fn new(name: &str, table: &JobTable, file: &Path) -> Self {
        Self {
            name: name.to_owned(),
            file: file.to_owned(),
            table: table.clone(),
        }
    }

    /// Returns the program and its arguments.
    pub fn command(&self) -> &[String] {
        &self.table.command
    }

    /// Returns the job's own description.
    pub fn description(&self) -> &str {
        &self.table.description
    }

    /// Returns the schedule of the job.
    pub fn schedule(&self) -> Option<&Schedule> {
        self.table.schedule.as_ref()
    }

    /// Returns the retries of the job.
    pub fn retries(&self) -> Retries {
        let delay = self
            .table
            .retry_delay
            .map_or(Duration::from_secs(1), |time| time.0);
        Retries::from(self.table.retries)
            .initial_delay(delay)
            .max_delay(delay)
    }

    fn limits(&self) -> Result<Limits, JobError> {
        let limits = Limits {
            cpu: self.table.cpu,
            memory: self.table.memory.map(|size| size.0),
            lenient: self.table.lenient_limits,
        };
        limits.check().map_err(JobError::Limit)?;
        Ok(limits)
    }

    /// Returns the specification of a run, with more arguments. The working folder is that of the
    /// job's file, unless the job has another one.
    ///
    /// # Errors
    /// A secret or a volume can't be obtained.
    pub fn spec(&self, settings: &Settings, more: Vec<OsString>) -> Result<CallSpec, JobError> {
        let JobTable {
            command, volumes, ..
        } = &self.table;
        let (program, arguments) = command.split_first().ok_or(JobError::NoCommand)?;
        let arguments = arguments.iter().map(OsString::from).chain(more).collect();
        let plain = Secret::from_dict(self.table.env.clone());
        let named = self.table.secrets.iter().map(|name| settings.secret(name));
        let secrets: Vec<Secret> = std::iter::once(Ok(plain))
            .chain(named)
            .collect::<Result<_, _>>()?;
        let folder = self
            .file
            .parent()
            .map_or_else(config::working_folder, Path::to_owned);
        let mounted = volumes.iter().map(|(path, url)| {
            let path = path.as_ref().to_owned();
            match settings.apply(url.volume(&folder)).into_config() {
                Ok(mount) => Ok(Volume { path, mount }),
                Err(source) => Err(JobError::Volume { path, source }),
            }
        });
        Ok(CallSpec {
            version: CallSpec::VERSION,
            name: Some(self.name.as_str().into()),
            work: Work::Command {
                program: program.into(),
                arguments,
            },
            volumes: mounted.collect::<Result<_, _>>()?,
            environment: environment(secrets)?,
            timeout: self.table.timeout(),
            workdir: match &self.table.workdir {
                Some(workdir) => folder.join(workdir),
                None => folder,
            },
            network: self.table.network,
            isolate: self.table.isolate,
            limits: self.limits()?,
        })
    }
}
