//! Names that are known to be absent, because the store has reported all others around them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::object::EntryName;
use crate::tree::Ino;

/// Maximum number of ranges, and of absent names.
const MOST: usize = 4096;

/// Coverage of the store's responses, with the times of their requests.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    whole: HashMap<Ino, Instant>,
    ranges: HashMap<Ino, Range>,
    absent: HashMap<(Ino, EntryName), Instant>,
}

/// Range of names that a listing page covered.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) first: EntryName,
    /// Last key of the page, relative to the folder; `None` if the page went on to the end.
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
    /// Returns whether a name without a cached entry is absent.
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

    /// Returns the time of the latest request that showed that a name without a cached entry is absent.
    pub(super) fn absent_since(&self, dir: Ino, name: &EntryName) -> Option<Instant> {
        let by_range = self.ranges.get(&dir).filter(|range| range.has(name));
        let by_name = self.absent.get(&(dir, name.clone()));
        let all = [self.whole_since(dir), by_range.map(|range| range.asked)];
        all.into_iter().chain([by_name.copied()]).flatten().max()
    }

    /// Returns the time of the request since which all entries of the folder are known.
    pub(super) fn whole_since(&self, dir: Ino) -> Option<Instant> {
        self.whole.get(&dir).copied()
    }

    /// Records that all entries of the folder are known.
    pub(super) fn whole(&mut self, dir: Ino, asked: Instant) {
        self.whole.insert(dir, asked);
    }

    /// Records that all entries of a range are known.
    pub(super) fn range(&mut self, dir: Ino, range: Range) {
        if self.ranges.len() >= MOST {
            self.ranges.clear();
        }
        self.ranges.insert(dir, range);
    }

    /// Records that nothing has this name, according to the store.
    pub(super) fn absent(&mut self, dir: Ino, name: EntryName, asked: Instant) {
        if self.absent.len() >= MOST {
            self.absent.clear();
        }
        self.absent.insert((dir, name), asked);
    }

    /// Forgets that a name is absent.
    pub(super) fn forget_name(&mut self, dir: Ino, name: &EntryName) {
        if !self.absent.is_empty() {
            self.absent.remove(&(dir, name.clone()));
        }
    }

    /// Forgets that all entries of the folder, or of a range in it, are known.
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
