//! Time for which a mount uses what the store has answered about names and versions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Shortest validity of an answer about a name.
pub const SHORTEST_TTL: Duration = Duration::from_secs(1);

/// Validity that no mount outlives. The kernel and [`std::time::Instant`] can add it to any time.
const FOREVER: Duration = Duration::from_hours(24 * 365 * 100);

/// Validity of the store's answers about names and versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Freshness {
    /// A second. Each open of a file asks the store for its current version.
    #[default]
    Checked,
    /// This time, and at least a second. An open of a known file asks for nothing. No time at all is
    /// [`Checked`](Self::Checked).
    For(Duration),
    /// Life of the mount.
    Indefinite,
    /// Life of the mount. Other clients replace and delete nothing, so a change asks for nothing,
    /// either, and a replaced object is an error of the declaration.
    Immutable,
}

impl Freshness {
    /// Returns the time for which an answer about a name is used.
    pub fn ttl(self) -> Duration {
        match self {
            Self::Checked => SHORTEST_TTL,
            Self::For(ttl) => ttl.clamp(SHORTEST_TTL, FOREVER),
            Self::Indefinite | Self::Immutable => FOREVER,
        }
    }

    /// Returns the maximum age of an answer on which a change of the bucket is based.
    pub(crate) fn ttl_for_changes(self) -> Duration {
        match self {
            Self::Checked | Self::For(_) | Self::Indefinite => SHORTEST_TTL,
            Self::Immutable => FOREVER,
        }
    }

    /// Returns whether an open of a known file asks for its current version.
    pub(crate) fn is_checked(self) -> bool {
        matches!(self, Self::Checked | Self::For(Duration::ZERO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_checked_at_each_open() {
        assert!(Freshness::For(Duration::ZERO).is_checked());
        assert!(!Freshness::For(Duration::from_millis(1)).is_checked());
    }

    #[test]
    fn an_answer_is_used_for_a_second_at_least_and_changes_trust_only_what_is_immutable() {
        let ttl = |seconds| Freshness::For(Duration::from_secs(seconds)).ttl().as_secs();
        assert_eq!((ttl(0), ttl(1), ttl(600)), (1, 1, 600));
        assert_eq!(ttl(u64::MAX), Freshness::Indefinite.ttl().as_secs());
        assert_eq!(Freshness::default().ttl(), SHORTEST_TTL);
        assert_eq!(Freshness::Indefinite.ttl_for_changes(), SHORTEST_TTL);
        assert_eq!(Freshness::Immutable.ttl_for_changes(), FOREVER);
    }
}
