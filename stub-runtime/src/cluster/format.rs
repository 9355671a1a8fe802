//! What lies in a spool: versioned values, encoded as `MessagePack` and sealed.

use std::ffi::OsString;
use std::time::Duration;

use bytes::Bytes;
use s3fs_core::Usage;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::caller::OutputStream;
use crate::error::Error;
use crate::options::Retries;
use crate::outcome::Outcome;
use crate::spec::CallSpec;

use super::error::ClusterError;

/// The format of everything here.
pub(crate) const VERSION: u32 = 1;

/// What all tasks of a call carry.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) spec: CallSpec,
    pub(crate) retries: Retries,
    pub(crate) max_inputs: Option<u64>,
    /// Of a function: whether it gives values one by one.
    pub(crate) iterates: bool,
    /// Whether it has many inputs.
    pub(crate) is_map: bool,
    /// So many tasks run at once at most.
    pub(crate) at_once: Option<usize>,
    /// The variables of the caller, but for credentials.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// The credentials of the caller's environment, for volumes that have none of their own.
    pub(crate) credentials: Vec<(OsString, OsString)>,
    /// After so much time, a task begins no more inputs: they are given to another.
    pub(crate) slice: Duration,
}

/// What a call's submission has, for a caller that comes back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Submitted {
    /// The places of the inputs of each batch.
    pub(crate) batches: Vec<Vec<u64>>,
}

/// The inputs of a task.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) inputs: Vec<Input>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Input {
    /// Its place among the inputs of the call, from 0.
    pub(crate) index: u64,
    /// The number of the attempt that is made next, from 1.
    pub(crate) attempt: u32,
    /// The arguments; nothing for a command.
    pub(crate) arguments: Bytes,
}

/// A piece of what a task gave.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) events: Vec<Event>,
    /// What was asked of the buckets until now.
    pub(crate) usage: Usage,
    /// There are no more.
    pub(crate) is_last: bool,
}

/// Something that a task tells.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Event {
    /// A line that was printed, with its end.
    Printed {
        /// The input, if it is known.
        index: Option<u64>,
        stream: OutputStream,
        line: Bytes,
    },
    /// One of several values of an input.
    Emitted { index: u64, value: Bytes },
    /// An input has ended, and will not be tried again there.
    Ended {
        index: u64,
        result: Result<Value, Error>,
        /// How long that took, with all its tries there.
        took: Duration,
    },
    /// These inputs were not run to their ends, though nothing is wrong with them.
    Left {
        indices: Vec<u64>,
        /// The task was asked to end; else it had run for long enough.
        was_told: bool,
    },
    /// Something that was written, and is no input's, could not be stored.
    Failed(Error),
}

/// What an input ended with.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Value {
    /// The value of a function.
    Returned(Bytes),
    /// How a command ended.
    Command(Outcome),
}

/// How many inputs there are.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Closed {
    pub(crate) inputs: u64,
}

/// With its version, for sealing.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = VERSION.to_be_bytes().to_vec();
    // What is encoded here has no type that refuses.
    let _ = rmp_serde::encode::write_named(&mut bytes, value);
    bytes
}

/// What was encoded.
///
/// # Errors
/// It has another version, or is something else.
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

    use crate::attempt::Attempt;
    use crate::error::Message;

    use super::*;

    #[test]
    fn errors_cross_with_their_sources() {
        let chain = ["can't read", "no such file"].map(String::from).to_vec();
        let error = Error::Failed {
            attempt: Attempt::first("demo::f"),
            source: Message::from_chain(chain),
        };
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
        assert_eq!(back.in_one_line(), error.in_one_line());
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
