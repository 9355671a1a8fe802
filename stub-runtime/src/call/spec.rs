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

    /// Returns the largest memory for file contents that a volume names, in bytes.
    pub(crate) fn volume_memory(&self) -> Option<u64> {
        let memories = self.volumes.iter().map(|volume| volume.mount.memory);
        memories.flatten().max()
    }

    /// Sets the memory for file contents, in bytes, unless a volume names it: the volumes of a call share
    /// the largest.
    pub(crate) fn set_default_volume_memory(&mut self, bytes: u64) {
        if self.volume_memory().is_none() {
            for volume in &mut self.volumes {
                volume.mount.memory = Some(bytes);
            }
        }
    }

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

#[cfg(test)]
impl CallSpec {
    /// Creates a call with this limit, and volumes with these memories for file contents.
    pub(crate) fn with_memories(job: Option<u64>, volumes: &[Option<u64>]) -> Self {
        let volume = |(n, &memory): (usize, &Option<u64>)| Volume {
            path: format!("/{n}").into(),
            mount: MountConfig {
                memory,
                ..MountConfig::new(s3fs_core::BucketName::new("bucket").unwrap())
            },
        };
        Self {
            version: Self::VERSION,
            name: None,
            work: Work::Function { name: "f".into() },
            volumes: volumes.iter().enumerate().map(volume).collect(),
            environment: BTreeMap::new(),
            timeout: None,
            workdir: PathBuf::from("/"),
            network: false,
            isolate: false,
            limits: Limits {
                memory: job,
                ..Limits::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_is_not_for_calls_that_name_a_memory() {
        let after = |volumes: &[Option<u64>]| {
            let mut spec = CallSpec::with_memories(None, volumes);
            spec.set_default_volume_memory(512 << 20);
            spec.volume_memory()
        };
        assert_eq!(after(&[Some(64 << 20), None]), Some(64 << 20));
        assert_eq!(after(&[None, None]), Some(512 << 20));
        assert_eq!(after(&[]), None);
    }
}
