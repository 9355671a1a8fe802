//! What a call carries: one versioned, serialisable value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use s3fs_core::MountConfig;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;

/// Everything an engine needs to run a call. The arguments travel beside it, as a `Payload`.
#[derive(Clone, Serialize, Deserialize)]
pub struct CallSpec {
    /// The format of this value; an engine refuses another.
    pub version: u32,
    /// What it is called, if not as what is run.
    pub name: Option<Arc<str>>,
    /// What is run.
    pub work: Work,
    /// What is mounted, in the order of declaration.
    pub volumes: Vec<Volume>,
    /// Variables added to the job's environment; they come from `secrets` and may be secret.
    pub environment: BTreeMap<String, String>,
    /// How long the work may take; the volumes' uploads afterwards are not counted.
    pub timeout: Option<Duration>,
    /// The working folder of the job.
    pub workdir: PathBuf,
    /// Whether the job has the machine's network. Its volumes need none.
    pub network: bool,
    /// Whether the host's sockets, temporary files and the user's credentials are hidden from the job.
    pub isolate: bool,
    /// What the job may use of the machine.
    pub limits: Limits,
}

/// What is run in the sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Work {
    /// An annotated function of this program.
    Function {
        /// `module::name`.
        name: Arc<str>,
    },
    /// Any program.
    Command {
        /// Looked up in `PATH` if it holds no `/`.
        program: OsString,
        /// Its arguments, without the program itself.
        arguments: Vec<OsString>,
    },
}

/// A bucket at a path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Volume {
    /// Absolute and normalised.
    pub path: PathBuf,
    /// What is mounted there.
    pub mount: MountConfig,
}

impl CallSpec {
    /// The version this program writes and understands.
    pub const VERSION: u32 = 4;

    /// What it is called, in a word: for messages.
    pub fn label(&self) -> Arc<str> {
        match (&self.name, &self.work) {
            (Some(name), _) | (None, Work::Function { name }) => Arc::clone(name),
            (None, Work::Command { program, .. }) => program.to_string_lossy().into(),
        }
    }
}

/// Shows the names of the environment's variables, never their values.
impl fmt::Debug for CallSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSpec")
            .field("version", &self.version)
            .field("name", &self.name)
            .field("work", &self.work)
            .field("volumes", &self.volumes)
            .field("environment", &self.environment.keys())
            .field("timeout", &self.timeout)
            .field("workdir", &self.workdir)
            .field("network", &self.network)
            .field("isolate", &self.isolate)
            .field("limits", &self.limits)
            .finish()
    }
}
