//! Random failure of requests.

use super::Fault;

/// Fails any request with the same probability, in one of several ways; see
/// [`Knobs::set_chance`](crate::Knobs::set_chance). The failures follow from the seed and the order in
/// which requests arrive.
///
/// ```
/// use s3_local::{Chance, Fault, S3Local};
///
/// let server = S3Local::builder().start();
/// server.knobs().set_chance(Some(Chance::new(20, 1, [Fault::SlowDown503, Fault::ResetConnection])));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chance {
    one_in: u64,
    state: u64,
    faults: Vec<Fault>,
}

impl Chance {
    /// Fails one in `one_in` requests on average, each with one of these faults.
    ///
    /// # Panics
    ///
    /// If `one_in` is zero or `faults` is empty.
    #[track_caller]
    pub fn new(one_in: u32, seed: u64, faults: impl Into<Vec<Fault>>) -> Chance {
        let faults = faults.into();
        assert!(one_in > 0, "one in none");
        assert!(!faults.is_empty(), "no way to fail");
        Chance {
            one_in: one_in.into(),
            state: seed,
            faults,
        }
    }

    /// Returns the fault of the next request, if it is to fail.
    pub(super) fn draw(&mut self) -> Option<Fault> {
        let drawn = self.next();
        let which = self.next();
        if !drawn.is_multiple_of(self.one_in) {
            return None;
        }
        let count = self.faults.len() as u64;
        self.faults
            .get(usize::try_from(which % count).unwrap_or(0))
            .copied()
    }

    /// Returns the next value of `SplitMix64`: each seed has its own sequence, neighbouring seeds too.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64) -> Vec<Option<Fault>> {
        let mut chance = Chance::new(20, seed, [Fault::SlowDown503, Fault::TruncateBody(9)]);
        (0..10_000).map(|_| chance.draw()).collect()
    }

    #[test]
    fn as_many_fail_as_asked_in_each_of_the_ways() {
        for seed in 0..20 {
            let drawn = drawn(seed);
            for fault in [Fault::SlowDown503, Fault::TruncateBody(9)] {
                let count = drawn.iter().filter(|one| **one == Some(fault)).count();
                assert!((150..350).contains(&count), "{count} with seed {seed}");
            }
        }
    }

    #[test]
    fn a_seed_makes_one_sequence() {
        assert!(drawn(7) == drawn(7));
        assert!(drawn(7) != drawn(8));
    }
}
