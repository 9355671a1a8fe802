//! Random seeds of tests.

use std::hash::{BuildHasher, RandomState};

/// Returns a new random seed, or `STUB_PROGRAMS_SEED` to reproduce a failure.
pub(crate) fn random() -> u64 {
    match std::env::var("STUB_PROGRAMS_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => RandomState::new().hash_one(0) >> 16,
    }
}
