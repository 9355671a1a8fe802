//! Names that a listing has returned, needed to restart it after its order was contradicted.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// Maximum number of tracked names, at 16 bytes each.
const MOST: usize = 256 << 10;

/// Set of 64-bit hashes of names. A collision within a folder is not expected.
#[derive(Debug, Default)]
pub(super) struct Returned {
    hasher: RandomState,
    names: HashSet<u64>,
    is_over: bool,
}

impl Returned {
    /// Records a name. Returns false if it was returned before.
    pub(super) fn add(&mut self, name: &str) -> bool {
        if self.names.len() >= MOST {
            self.is_over = true;
            self.names = HashSet::new();
        }
        self.is_over || self.names.insert(self.hasher.hash_one(name))
    }

    /// Returns whether a name was returned.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(&self.hasher.hash_one(name))
    }

    /// Returns whether there were more names than are tracked.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_up_to_a_number_of_them() {
        let mut returned = Returned::default();
        assert!(returned.add("a") && !returned.add("a") && returned.add("b"));
        assert!(returned.has("a") && !returned.has("c"));
        for n in 0..MOST {
            returned.add(&n.to_string());
        }
        assert!(returned.is_over());
    }
}
