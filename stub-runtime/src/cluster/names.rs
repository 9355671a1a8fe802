//! Names of the objects in the folder of a call in its spool.
//!
//! ```text
//! call                 what all its tasks carry
//! closed               how many inputs there are, when all are there
//! sub/N                which inputs are in the batches of submission N
//! in/N/I               the inputs of batch I of submission N
//! key/N/I              the key, in a spool that is a folder: removed by the task that reads it
//! out/N/I.R.S          piece S of what that batch gave; R tells one run of it from another
//! log-J-I              in a spool that is a folder: what task I of job J printed outside of its call
//! ```
//!
//! Programs are in the folder `programs` beside those of the calls, by their SHA-256.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Name of the object with the data that all tasks of a call need.
pub(crate) const CALL: &str = "call";

/// Name of the object with the number of inputs, once that is known.
pub(crate) const CLOSED: &str = "closed";

/// Id of a batch: a task of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct BatchId {
    /// Number of the submission in the call, from 0.
    pub(crate) submission: u32,
    /// Number of the task in the submission, from 0.
    pub(crate) task: u32,
}

impl BatchId {
    /// Returns the name of its inputs.
    pub(crate) fn inputs(self) -> String {
        format!("in/{}/{}", self.submission, self.task)
    }

    /// Returns the name of its key.
    pub(crate) fn key(self) -> String {
        format!("key/{}/{}", self.submission, self.task)
    }

    /// Returns the name of a piece of one of its runs.
    pub(crate) fn piece(self, run: RunId, number: u32) -> String {
        let RunId(run) = run;
        format!(
            "{}{}.{run:08x}.{number:06}",
            pieces(self.submission),
            self.task
        )
    }

    /// Parses the name of a piece, into its batch, run and number.
    pub(crate) fn of_piece(name: &str) -> Option<(Self, RunId, u32)> {
        let (submission, rest) = name.strip_prefix("out/")?.split_once('/')?;
        let mut parts = rest.split('.');
        let (task, run, number) = (parts.next()?, parts.next()?, parts.next()?);
        let id = Self {
            submission: submission.parse().ok()?,
            task: task.parse().ok()?,
        };
        let run = RunId(u32::from_str_radix(run, 16).ok()?);
        let number = number.parse().ok()?;
        parts.next().is_none().then_some((id, run, number))
    }
}

/// Id of a run of a batch: a scheduler may start a task twice, whose pieces must not be mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunId(pub(crate) u32);

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.submission, self.task)
    }
}

/// Returns the name of the record of a submission.
pub(crate) fn submission(number: u32) -> String {
    format!("sub/{number}")
}

/// Parses the name of a submission's record.
pub(crate) fn of_submission(name: &str) -> Option<u32> {
    name.strip_prefix("sub/")?.parse().ok()
}

/// Returns the prefix of the names of all pieces of a submission.
pub(crate) fn pieces(submission: u32) -> String {
    format!("out/{submission}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_known_by_its_name() {
        let id = BatchId {
            submission: 3,
            task: 17,
        };
        let name = id.piece(RunId(255), 2);
        assert_eq!(name, "out/3/17.000000ff.000002");
        assert_eq!(BatchId::of_piece(&name), Some((id, RunId(255), 2)));
        for stray in [
            "out/3/.stub-1-0.unfinished",
            "out/3",
            "out/3/17.000002",
            "in/3/17",
            "out/x/1.2.3",
        ] {
            assert_eq!(BatchId::of_piece(stray), None, "{stray}");
        }
        assert_eq!(of_submission(&submission(12)), Some(12));
    }
}
