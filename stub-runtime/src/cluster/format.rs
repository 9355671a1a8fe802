//! Format of the objects in a spool: versioned values, encoded as `MessagePack` and encrypted.

use std::ffi::OsString;
use std::time::Duration;

use bytes::Bytes;
use s3fs_core::{Usage, memory_beside};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::call::{CallSpec, Error, Outcome};
use crate::declare::Retries;
use crate::observe::output::OutputStream;

use super::error::ClusterError;

/// Format version of all objects here.
pub(crate) const VERSION: u32 = 1;

/// Data that all tasks of a call need.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) spec: CallSpec,
    pub(crate) retries: Retries,
    pub(crate) max_inputs: Option<u64>,
    /// True if a function returns values one by one.
    pub(crate) iterates: bool,
    /// True if the call has many inputs.
    pub(crate) is_map: bool,
    /// Maximum number of tasks that run at once.
    pub(crate) at_once: Option<usize>,
    /// Variables of the caller, except credentials.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Credentials in the caller's environment, for volumes that have none of their own.
    pub(crate) credentials: Vec<(OsString, OsString)>,
    /// Run time after which a task begins no more inputs: they are given to another task.
    pub(crate) slice: Duration,
}

/// Returns a call as nodes get it: without the files and programs of this machine that keys came
/// from. The keys themselves go along. The volumes have the memory that is reserved for them.
pub(super) fn for_nodes(spec: &CallSpec) -> CallSpec {
    let mut spec = spec.clone();
    for volume in &mut spec.volumes {
        volume.mount.key_source = None;
        volume.mount.keys_expire = None;
    }
    if let Some(memory) = default_volume_memory(&spec) {
        spec.set_default_volume_memory(memory);
    }
    spec
}

/// Returns the memory for file contents on nodes, in bytes, if no volume names it; `None` if the job has
/// no limit, so that the node's memory counts.
pub(super) fn default_volume_memory(spec: &CallSpec) -> Option<u64> {
    spec.limits.memory.map(memory_beside)
}

/// Record of a submission, for a caller that reattaches.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Submitted {
    /// Indices of the inputs of each batch.
    pub(crate) batches: Vec<Vec<u64>>,
}

/// Inputs of a task.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) inputs: Vec<BatchInput>,
}

/// Input of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BatchInput {
    /// Index of the input in the call, from 0.
    pub(crate) index: u64,
    /// Number of the next attempt, from 1.
    pub(crate) attempt: u32,
    /// Arguments; empty for a command.
    pub(crate) arguments: Bytes,
}

/// Piece of a task's reports.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) events: Vec<Event>,
    /// Requests and bytes of the buckets until now.
    pub(crate) usage: Usage,
    /// True if this is the last piece.
    pub(crate) is_last: bool,
}

/// Report of a task.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Event {
    /// A line was printed; includes its line ending.
    Printed {
        /// Index of the input, if it is known.
        index: Option<u64>,
        stream: OutputStream,
        line: Bytes,
    },
    /// An input has returned one of several values.
    Emitted { index: u64, value: Bytes },
    /// An input has ended, and will not be tried again there.
    Ended {
        index: u64,
        result: Result<Value, Error>,
        /// Duration of all attempts there.
        took: Duration,
    },
    /// Inputs were not run to their ends, though nothing is wrong with them.
    Left {
        indices: Vec<u64>,
        /// True if the task was asked to end; else it had run for long enough.
        was_told: bool,
    },
    /// Data was written while no input was being run, and could not be stored.
    Failed(Error),
}

/// Result of an input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Value {
    /// Value of a function.
    Returned(Bytes),
    /// Outcome of a command.
    Command(Outcome),
}

/// Total number of inputs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Closed {
    pub(crate) inputs: u64,
}

/// Encodes a value with its format version, to be encrypted.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = VERSION.to_be_bytes().to_vec();
    // What is encoded here has no type that refuses.
    let _ = rmp_serde::encode::write_named(&mut bytes, value);
    bytes
}

/// Decodes a value.
///
/// # Errors
/// The bytes have another format version, or are no such value.
pub(crate) fn decode<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, ClusterError> {
    let malformed = |reason: String| ClusterError::Malformed {
        object: name.to_owned(),
        reason,
    };
    let (version, value) = bytes
        .split_first_chunk::<4>()
        .ok_or_else(|| malformed("it is empty".to_owned()))?;
    let theirs = u32::from_be_bytes(*version);
    if theirs != VERSION {
        return Err(ClusterError::Version {
            object: name.to_owned(),
            theirs,
            ours: VERSION,
        });
    }
    rmp_serde::from_slice(value).map_err(|error| malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use s3fs_core::{BucketName, Credentials, KeySource, MountConfig};

    use crate::call::{Attempt, ErrorKind, Limits, Message, Volume, Work};

    use super::*;

    #[test]
    fn nodes_get_keys_without_the_place_that_they_came_from() {
        let mut mount = MountConfig::new(BucketName::new("data").unwrap());
        mount.credentials = Credentials::Static {
            access_key_id: "id".into(),
            secret_access_key: "secret".into(),
            session_token: None,
        };
        mount.key_source = Some(KeySource::File("/home/me/keys.env".into()));
        let volume = Volume {
            path: "/in".into(),
            mount,
        };
        let spec = CallSpec {
            version: CallSpec::VERSION,
            name: None,
            work: Work::Function { name: "f".into() },
            volumes: vec![volume],
            environment: BTreeMap::new(),
            timeout: None,
            workdir: PathBuf::from("/"),
            network: false,
            isolate: false,
            limits: Limits::default(),
        };
        let there: CallSpec = decode("p", &encode(&for_nodes(&spec))).unwrap();
        let mount = &there.volumes[0].mount;
        assert_eq!(mount.key_source, None);
        assert!(matches!(mount.credentials, Credentials::Static { .. }));
    }

    #[test]
    fn errors_cross_with_their_sources() {
        let chain = ["can't read", "no such file"].map(String::from).to_vec();
        let error = Error::new(
            Attempt::first("demo::f"),
            ErrorKind::Failed {
                source: Message::from_chain(chain),
            },
        );
        let events = vec![Event::Ended {
            index: 7,
            result: Err(error.clone()),
            took: Duration::from_secs(1),
        }];
        let piece = Piece {
            events,
            usage: Usage::default(),
            is_last: true,
        };
        let there: Piece = decode("p", &encode(&piece)).unwrap();
        let [
            Event::Ended {
                result: Err(back), ..
            },
        ] = &there.events[..]
        else {
            panic!("{there:?}")
        };
        assert_eq!(format!("{back:#}"), format!("{error:#}"));
    }

    #[test]
    fn another_version_is_told_and_not_misread() {
        let mut bytes = encode(&Closed { inputs: 3 });
        bytes[3] = 99;
        let error = decode::<Closed>("closed", &bytes).unwrap_err();
        assert!(matches!(error, ClusterError::Version { theirs: 99, .. }));
        assert!(decode::<Closed>("closed", &[0, 0]).is_err());
    }
}
