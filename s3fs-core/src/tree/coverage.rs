//! Which names of a folder are known to be absent, because everything that is there has been learned.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::object::EntryName;
use crate::tree::Ino;

/// Remember so many ranges and absent names at most.
const MOST: usize = 4096;

/// What answers of the store have covered, and when they were asked for.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    whole: HashMap<Ino, Instant>,
    ranges: HashMap<Ino, Range>,
    absent: HashMap<(Ino, EntryName), Instant>,
}

/// A stretch of names.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) first: EntryName,
    /// The last key that was listed, from the folder on; without one, all that follow were.
    pub(super) last: Option<String>,
    pub(super) asked: Instant,
}

impl Range {
    fn has(&self, name: &EntryName) -> bool {
        // The keys below a folder of that name come later than its own.
        let is_listed = |last: &String| format!("{name}/") <= *last;
        *name >= self.first && self.last.as_ref().is_none_or(is_listed)
    }
}

impl Coverage {
    /// Whether a name of which nothing is known is absent.
    pub(super) fn is_absent(
        &self,
        dir: Ino,
        name: &EntryName,
        now: Instant,
        ttl: Duration,
    ) -> bool {
        let is_fresh = |asked: &Instant| *asked + ttl > now;
        let by_range = |range: &Range| is_fresh(&range.asked) && range.has(name);
        self.whole.get(&dir).is_some_and(is_fresh)
            || self.ranges.get(&dir).is_some_and(by_range)
            || !self.absent.is_empty()
                && self.absent.get(&(dir, name.clone())).is_some_and(is_fresh)
    }

    /// All entries of the folder were learned.
    pub(super) fn whole(&mut self, dir: Ino, asked: Instant) {
        self.whole.insert(dir, asked);
    }

    /// All entries of a stretch were learned.
    pub(super) fn range(&mut self, dir: Ino, range: Range) {
        if self.ranges.len() >= MOST {
            self.ranges.clear();
        }
        self.ranges.insert(dir, range);
    }

    /// The store said that there is nothing of that name.
    pub(super) fn absent(&mut self, dir: Ino, name: EntryName, asked: Instant) {
        if self.absent.len() >= MOST {
            self.absent.clear();
        }
        self.absent.insert((dir, name), asked);
    }

    /// The name may stand for something that nobody has told of.
    pub(super) fn forget_name(&mut self, dir: Ino, name: &EntryName) {
        if !self.absent.is_empty() {
            self.absent.remove(&(dir, name.clone()));
        }
    }

    /// Entries of the folder may exist that nobody has told of.
    pub(super) fn forget(&mut self, dir: Ino) {
        self.whole.remove(&dir);
        self.ranges.remove(&dir);
    }

    #[cfg(test)]
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(1);

    fn name(name: &str) -> EntryName {
        EntryName::from_component(name).unwrap()
    }

    #[test]
    fn a_stretch_covers_the_names_in_it_for_a_while() {
        let (mut coverage, now) = (Coverage::default(), Instant::now());
        let range = |last: Option<&str>| Range {
            first: name("b"),
            last: last.map(str::to_owned),
            asked: now,
        };
        coverage.range(Ino::ROOT, range(Some("d")));
        let is_absent =
            |coverage: &Coverage, of: &str, at| coverage.is_absent(Ino::ROOT, &name(of), at, TTL);
        assert!(is_absent(&coverage, "b", now) && is_absent(&coverage, "c", now));
        assert!(!is_absent(&coverage, "a", now) && !is_absent(&coverage, "e", now));
        assert!(!is_absent(&coverage, "d", now), "it may be a folder");
        assert!(!is_absent(&coverage, "c", now + TTL));
        coverage.range(Ino::ROOT, range(None));
        assert!(is_absent(&coverage, "z", now));
        coverage.forget(Ino::ROOT);
        assert!(!is_absent(&coverage, "c", now));
    }

    #[test]
    fn a_name_that_was_absent_is_so_for_a_while() {
        let (mut coverage, now) = (Coverage::default(), Instant::now());
        coverage.absent(Ino::ROOT, name("a"), now);
        assert!(coverage.is_absent(Ino::ROOT, &name("a"), now, TTL));
        assert!(!coverage.is_absent(Ino(7), &name("a"), now, TTL));
        coverage.forget_name(Ino::ROOT, &name("a"));
        assert!(!coverage.is_absent(Ino::ROOT, &name("a"), now, TTL));
    }
}
