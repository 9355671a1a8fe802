//! Whether a program walks through a tree, decided from nothing but which folders it opened.
//!
//! `find`, `du`, `tar` and the like open folders in the order of their keys, each below the one they
//! began with. Listing them one by one costs a round trip each; the keys of many small folders come
//! in one page of a listing that is not folded.

use std::time::{Duration, Instant};

/// So many folders, each behind the last, show that it is a walk.
const STEPS: u32 = 2;

/// A pause that ends a walk.
const PAUSE: Duration = Duration::from_secs(2);

/// Folders that were opened one after another.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The prefix of the folder it began with.
    root: String,
    /// The prefix of the folder opened last.
    last: String,
    at: Instant,
    steps: u32,
}

impl Descent {
    /// A folder was opened that belongs to no walk.
    pub fn new(root: String, now: Instant) -> Self {
        Self {
            last: root.clone(),
            root,
            at: now,
            steps: 0,
        }
    }

    /// The prefix of the folder it began with.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Whether a folder is the next one of this walk.
    pub fn includes(&self, prefix: &str, now: Instant) -> bool {
        let is_below = prefix.len() > self.root.len() && prefix.starts_with(&self.root);
        is_below && now.saturating_duration_since(self.at) < PAUSE && *prefix > *self.last
    }

    /// Takes note of the next folder; whether this is a walk by now.
    pub fn step(&mut self, prefix: &str, now: Instant) -> bool {
        prefix.clone_into(&mut self.last);
        self.at = now;
        self.steps += 1;
        self.steps >= STEPS
    }

    /// Listing it as a whole did not help: its folders are large.
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
