//! Attempts one by one, as many as a page can draw, and for longer those that failed.

use serde::{Deserialize, Serialize};

use super::cut::cut;
use super::sandboxes::SandboxId;
use super::tally::Ending;

/// How many are kept whatever they ended with.
const FIRST: usize = 5000;

/// How many more are kept if they failed.
const FURTHER: usize = 5000;

/// How many of these may be of inputs that were tried again: they must not crowd out inputs that failed for good.
const FURTHER_RETRIED: usize = 4000;

/// The characters of an error that are kept.
pub(crate) const ERROR: usize = 2000;

/// How many errors are kept at that length. Ten thousand of them would be more than a browser likes to open.
const LONG_ERRORS: usize = 500;

/// The characters of each error behind these.
const SHORT_ERROR: usize = 200;

/// One attempt, in seconds since the beginning of the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The index of the input, if the call has several.
    pub(crate) input: Option<u64>,
    /// The number of the try, from 1.
    pub(crate) number: u32,
    /// Where it ran, if it came so far.
    pub(crate) sandbox: Option<SandboxId>,
    /// When it began.
    pub(crate) from: f64,
    /// When it ended.
    pub(crate) to: f64,
    /// How.
    pub(crate) ending: Ending,
    /// With what error.
    pub(crate) error: Option<String>,
}

/// Attempts in the order in which they ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    kept: Vec<Kept>,
    /// How many of `kept` were of inputs tried again, and came behind the first.
    further_retried: usize,
    errors: usize,
    omitted: u64,
    /// Until when all attempts are kept; nothing if that is so for all.
    all_until: Option<f64>,
}

impl Attempts {
    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// One more that has ended.
    pub(crate) fn add(&mut self, mut attempt: Kept) {
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

    fn attempt(ending: Ending, to: f64) -> Kept {
        let error = (ending != Ending::Done).then(|| "e".repeat(3000));
        Kept {
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
