//! Specification of a call: one versioned, serialisable value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use s3fs_core::MountConfig;
use serde::{Deserialize, Serialize};

use super::limits::Limits;

/// Specification of a call: everything an engine needs to run it. The arguments travel beside it,
/// as a `Payload`.
#[derive(Clone, Serialize, Deserialize)]
pub struct CallSpec {
    /// Format version of this value; an engine refuses another.
    pub version: u32,
    /// Name of the call, if it differs from that of its work.
    pub name: Option<Arc<str>>,
    /// Work of the call.
    pub work: Work,
    /// Volumes to mount, in the order of declaration.
    pub volumes: Vec<Volume>,
    /// Variables added to the job's environment; they come from `secrets` and may be secret.
    pub environment: BTreeMap<String, String>,
    /// Time limit of the work; the volumes' uploads afterwards are not counted.
    pub timeout: Option<Duration>,
    /// Working folder of the job.
    pub workdir: PathBuf,
    /// True if the job has the machine's network. Its volumes need none.
    pub network: bool,
    /// True if the host's sockets, temporary files and the user's credentials are hidden from the job.
    pub isolate: bool,
    /// Limits on the job's use of the machine.
    pub limits: Limits,
}

/// Work in the sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Work {
    /// Annotated function of this program.
    Function {
        /// Path of the function: `module::name`.
        name: Arc<str>,
    },
    /// Any program.
    Command {
        /// Name or path of the program; looked up in `PATH` if it has no `/`.
        program: OsString,
        /// Arguments, without the program itself.
        arguments: Vec<OsString>,
    },
}

/// Bucket at a path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Volume {
    /// Path, absolute and normalised.
    pub path: PathBuf,
    /// Bucket and its options.
    pub mount: MountConfig,
}

impl CallSpec {
    /// Format version that this program writes and understands.
    pub const VERSION: u32 = 5;

    /// Returns the label of the call, for messages.
    pub fn label(&self) -> Arc<str> {
        match (&self.name, &self.work) {
            (Some(name), _) | (None, Work::Function { name }) => Arc::clone(name),
            (None, Work::Command { program, .. }) => program.to_string_lossy().into(),
        }
    }
}

/// Formats the specification with the names of its variables, never their values.
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
