//! Detection of programs that walk through a tree, from the folders that they open.
//!
//! `find`, `du`, `tar` and the like open folders in the order of their keys, each below the first
//! one. Listing them one by one costs a round trip each. An unfolded listing has the keys of many
//! small folders on one page.

use std::time::{Duration, Instant};

/// Number of folders, each behind the last, that make a walk.
const STEPS: u32 = 2;

/// Length of a pause that ends a walk.
const PAUSE: Duration = Duration::from_secs(2);

/// Sequence of folders opened one after another.
#[derive(Clone, Debug)]
pub struct Descent {
    /// Prefix of the first folder.
    root: String,
    /// Prefix of the folder opened last.
    last: String,
    at: Instant,
    steps: u32,
}

impl Descent {
    /// Starts a sequence at a folder that belongs to no other.
    pub fn new(root: String, now: Instant) -> Self {
        Self {
            last: root.clone(),
            root,
            at: now,
            steps: 0,
        }
    }

    /// Returns the prefix of the first folder.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Returns whether a folder is the next one of this sequence.
    pub fn includes(&self, prefix: &str, now: Instant) -> bool {
        let is_below = prefix.len() > self.root.len() && prefix.starts_with(&self.root);
        is_below && now.saturating_duration_since(self.at) < PAUSE && *prefix > *self.last
    }

    /// Records the next folder; returns whether the sequence is a walk by now.
    pub fn step(&mut self, prefix: &str, now: Instant) -> bool {
        prefix.clone_into(&mut self.last);
        self.at = now;
        self.steps += 1;
        self.steps >= STEPS
    }

    /// Resets the count of folders, after an unfolded listing was of no use because they are large.
    pub fn start_again(&mut self) {
        self.steps = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_in_the_order_of_their_keys_are_a_walk() {
        let now = Instant::now();
        let mut descent = Descent::new("d/".to_owned(), now);
        let step = |descent: &mut Descent, prefix: &str| {
            descent.includes(prefix, now) && descent.step(prefix, now)
        };
        assert!(!step(&mut descent, "d/a/"));
        assert!(step(&mut descent, "d/a/x/"));
        assert!(step(&mut descent, "d/b/"));
        assert!(!descent.includes("d/b/", now), "the same folder again");
        assert!(!descent.includes("d/a/z/", now), "one before it");
        assert!(!descent.includes("e/", now), "one elsewhere");
        assert!(!descent.includes("d/c/", now + PAUSE), "one much later");
    }
}
