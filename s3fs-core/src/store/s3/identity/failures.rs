//! Failures to load credentials, which are repeated for a while instead of another load.

use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use tokio::time::Instant;

use super::assumed::NotAssumed;
use crate::object::{caused_by, chain_in_one_line};

/// Factor from the first pause to the longest.
const LONGEST: u32 = 10;

/// Failure to load credentials. Cheap to clone, unlike the SDK's.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    kind: Kind,
    words: String,
}

#[derive(Clone, Debug)]
enum Kind {
    NotLoaded,
    Misconfigured,
    NotAssumed(NotAssumed),
    Other,
}

impl Failure {
    pub(super) fn new(error: &CredentialsError) -> Self {
        let source = error.source();
        let not_assumed = source.and_then(caused_by::<NotAssumed>);
        let kind = match (not_assumed, error) {
            (Some(failure), _) => Kind::NotAssumed(failure.clone()),
            (None, CredentialsError::CredentialsNotLoaded(_)) => Kind::NotLoaded,
            (None, CredentialsError::InvalidConfiguration(_)) => Kind::Misconfigured,
            (None, _) => Kind::Other,
        };
        let words = source.map_or_else(|| error.to_string(), chain_in_one_line);
        Self { kind, words }
    }

    /// Returns the failure to assume a role, if it is one.
    pub(super) fn not_assumed(&self) -> Option<&NotAssumed> {
        match &self.kind {
            Kind::NotAssumed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Makes the SDK's error.
    pub(super) fn error(self) -> CredentialsError {
        match self.kind {
            Kind::NotLoaded => CredentialsError::not_loaded(self.words),
            Kind::Misconfigured => CredentialsError::invalid_configuration(self.words),
            Kind::NotAssumed(failure) => CredentialsError::provider_error(failure),
            Kind::Other => CredentialsError::provider_error(self.words),
        }
    }
}

/// Failures since credentials were loaded last.
#[derive(Debug)]
pub(super) struct Failures {
    first_pause: Duration,
    last: Mutex<Option<Last>>,
}

#[derive(Debug)]
struct Last {
    failure: Failure,
    until: Instant,
    pause: Duration,
}

impl Failures {
    /// Creates an empty record. The pause after a failure doubles with each.
    pub(super) fn new(first_pause: Duration) -> Self {
        Self {
            first_pause,
            last: Mutex::default(),
        }
    }

    /// Returns the last failure while its pause lasts.
    pub(super) fn recent(&self, now: Instant) -> Option<Failure> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.as_ref().filter(|last| now < last.until);
        last.map(|last| last.failure.clone())
    }

    /// Records a failure.
    pub(super) fn add(&self, failure: Failure, now: Instant) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = self.first_pause * LONGEST;
        let pause = last.as_ref().map_or(self.first_pause, |last| {
            last.pause.saturating_mul(2).min(longest)
        });
        *last = Some(Last {
            failure,
            until: now + pause,
            pause,
        });
    }

    /// Forgets the failures: credentials were loaded.
    pub(super) fn clear(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_after_a_failure_grows_to_ten_seconds_and_ends_with_a_success() {
        let failures = Failures::new(Duration::from_secs(1));
        let failure = Failure::new(&CredentialsError::provider_error("denied"));
        let mut now = Instant::now();
        let mut fail = |pause: u64| {
            failures.add(failure.clone(), now);
            now += Duration::from_secs(pause);
            let before = now - Duration::from_millis(1);
            assert!(failures.recent(before).is_some(), "{pause}");
            assert!(failures.recent(now).is_none(), "{pause}");
        };
        for pause in [1, 2, 4, 8, 10, 10] {
            fail(pause);
        }
        failures.clear();
        fail(1);
    }

    #[test]
    fn a_repeated_failure_has_the_text_of_the_first() {
        use CredentialsError as C;
        for error in [
            C::not_loaded("nothing"),
            C::invalid_configuration("a loop"),
            C::provider_error("HTTP 503"),
        ] {
            let again = Failure::new(&error).error();
            assert_eq!(chain_in_one_line(&again), chain_in_one_line(&error));
        }
    }
}
