//! Number of interrupted flushes of each key in a row, without I/O.
//!
//! A key may change again and again before its file is stored, also by renames over it and by
//! deletions. The numbers outlive its queued request, so that some version is stored all the same.

use std::collections::HashMap;

use crate::object::Key;

/// Maximum number of interrupted flushes in a row.
pub(super) const MOST_INTERRUPTED: u8 = 4;

/// Maximum number of counted keys: the one interrupted least recently is forgotten.
const MOST_KEYS: usize = 1024;

/// Interrupted flushes by key.
#[derive(Debug, Default)]
pub(super) struct Interruptions {
    keys: HashMap<Key, InARow>,
    last: u64,
}

#[derive(Clone, Copy, Debug)]
struct InARow {
    count: u8,
    /// Number of the last interruption of any key.
    last: u64,
}

impl Interruptions {
    /// Returns whether the next flush of the key must not be interrupted.
    pub(super) fn is_due(&self, key: &Key) -> bool {
        self.keys
            .get(key)
            .is_some_and(|row| row.count >= MOST_INTERRUPTED)
    }

    /// Records an interrupted flush.
    pub(super) fn add(&mut self, key: &Key) {
        if self.keys.len() >= MOST_KEYS && !self.keys.contains_key(key) {
            let oldest = self.keys.iter().min_by_key(|(_, row)| row.last);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.keys.remove(&oldest);
            }
        }
        self.last += 1;
        let row = self
            .keys
            .entry(key.clone())
            .or_insert(InARow { count: 0, last: 0 });
        row.count = row.count.saturating_add(1);
        row.last = self.last;
    }

    /// Records that a file of the key was stored.
    pub(super) fn stored(&mut self, key: &Key) {
        self.keys.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_were_interrupted_last_are_counted() {
        let (mut interruptions, often) = (Interruptions::default(), Key::new("often"));
        for n in 0..3 * MOST_KEYS {
            interruptions.add(&Key::new(format!("{n}")));
            if n % 500 == 0 {
                interruptions.add(&often);
            }
        }
        assert_eq!(interruptions.keys.len(), MOST_KEYS);
        assert!(interruptions.is_due(&often));
        interruptions.stored(&often);
        assert!(!interruptions.is_due(&often));
    }
}
