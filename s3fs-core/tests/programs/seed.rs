//! Numbers that tests draw.

use std::hash::{BuildHasher, RandomState};

/// A seed that no other run has; what `STUB_PROGRAMS_SEED` says, to see again what a failure printed.
pub(crate) fn random() -> u64 {
    match std::env::var("STUB_PROGRAMS_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => RandomState::new().hash_one(0) >> 16,
    }
}
