//! Record of single attempts: as many as a page can draw, and more of those that failed.

use serde::{Deserialize, Serialize};

use super::cut::cut;
use super::sandboxes::SandboxId;
use super::tally::Ending;

/// Number of attempts kept, whatever their result.
const FIRST: usize = 5000;

/// Number of further attempts kept if they failed.
const FURTHER: usize = 5000;

/// Maximum number of these whose inputs were tried again: they must not crowd out inputs that
/// failed for good.
const FURTHER_RETRIED: usize = 4000;

/// Maximum length of an error, in characters.
pub(crate) const ERROR: usize = 2000;

/// Number of errors kept at that length. A browser would be slow to open ten thousand of them.
const LONG_ERRORS: usize = 500;

/// Maximum length of each later error, in characters.
const SHORT_ERROR: usize = 200;

/// Record of one attempt, with times in seconds since the beginning of the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AttemptRecord {
    /// Index of the input, if the call has several.
    pub(crate) input: Option<u64>,
    /// Number of the attempt, from 1.
    pub(crate) number: u32,
    /// Sandbox in which it ran, if it had one.
    pub(crate) sandbox: Option<SandboxId>,
    /// Start time in seconds.
    pub(crate) from: f64,
    /// End time in seconds.
    pub(crate) to: f64,
    /// Result of the attempt.
    pub(crate) ending: Ending,
    /// Error of the attempt.
    pub(crate) error: Option<String>,
}

/// Attempts in the order in which they ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    kept: Vec<AttemptRecord>,
    /// Number of attempts among `kept`, after the first [`FIRST`], whose inputs were tried again or that were
    /// cancelled.
    further_retried: usize,
    errors: usize,
    omitted: u64,
    /// Time until which all attempts are kept; none if all of them are.
    all_until: Option<f64>,
}

impl Attempts {
    /// Returns the number of attempts kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Adds an attempt that has ended.
    pub(crate) fn add(&mut self, mut attempt: AttemptRecord) {
        if self.kept.len() >= FIRST {
            self.all_until.get_or_insert(attempt.to);
            if !self.has_room_for(attempt.ending) {
                self.omitted += 1;
                return;
            }
            self.further_retried += usize::from(matches!(
                attempt.ending,
                Ending::Retried | Ending::Cancelled
            ));
        }
        if let Some(error) = &mut attempt.error {
            let is_long = self.errors < LONG_ERRORS;
            *error = cut(error, if is_long { ERROR } else { SHORT_ERROR });
            self.errors += 1;
        }
        self.kept.push(attempt);
    }

    fn has_room_for(&self, ending: Ending) -> bool {
        self.kept.len() < FIRST + FURTHER
            && match ending {
                Ending::Done => false,
                Ending::Retried | Ending::Cancelled => self.further_retried < FURTHER_RETRIED,
                Ending::Failed => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(ending: Ending, to: f64) -> AttemptRecord {
        let error = (ending != Ending::Done).then(|| "e".repeat(3000));
        AttemptRecord {
            input: None,
            number: 1,
            sandbox: None,
            from: 0.0,
            to,
            ending,
            error,
        }
    }

    fn add(attempts: &mut Attempts, count: usize, ending: Ending, at: f64) {
        for _ in 0..count {
            attempts.add(attempt(ending, at));
        }
    }

    #[test]
    fn the_first_are_kept_and_later_only_what_failed() {
        let mut attempts = Attempts::default();
        add(&mut attempts, 5000, Ending::Done, 1.0);
        assert_eq!((attempts.kept.len(), attempts.all_until), (5000, None));
        add(&mut attempts, 3, Ending::Done, 2.0);
        assert_eq!((attempts.kept.len(), attempts.all_until), (5000, Some(2.0)));
        add(&mut attempts, 1, Ending::Failed, 3.0);
        add(&mut attempts, 1, Ending::Retried, 3.0);
        assert_eq!((attempts.kept.len(), attempts.omitted), (5002, 3));
        assert_eq!(attempts.all_until, Some(2.0));
    }

    #[test]
    fn what_was_tried_again_leaves_room_for_what_failed() {
        let mut attempts = Attempts::default();
        add(&mut attempts, 5000, Ending::Done, 1.0);
        add(&mut attempts, 10_000, Ending::Retried, 1.0);
        assert_eq!((attempts.kept.len(), attempts.omitted), (9000, 6000));
        add(&mut attempts, 10_000, Ending::Failed, 1.0);
        assert_eq!((attempts.kept.len(), attempts.omitted), (10_000, 15_000));
    }

    #[test]
    fn errors_are_cut_and_many_are_cut_shorter() {
        let mut attempts = Attempts::default();
        add(&mut attempts, 501, Ending::Failed, 1.0);
        let length = |index: usize| {
            let error = attempts.kept[index].error.as_ref().unwrap();
            error.chars().count()
        };
        assert_eq!([length(0), length(499), length(500)], [2000, 2000, 200]);
    }
}
