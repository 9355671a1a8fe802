//! Names of a folder that were requested from the store one after the other: decides whether to
//! request the next one together with its neighbours.

use std::time::{Duration, Instant};

use crate::object::EntryName;

/// Number of consecutive names of a folder that are requested alone.
const ALONE: u32 = 2;

/// Pause after which consecutive names are counted anew.
const PAUSE: Duration = Duration::from_secs(2);

/// Consecutive names of one folder that were requested.
#[derive(Clone, Debug, Default)]
pub(super) struct NameSeries {
    /// Last name, and the time of its request.
    last: Option<(EntryName, Instant)>,
    /// Number of consecutive existing names, each behind the last.
    found: u32,
    /// Number of consecutive missing names, in any order.
    missed: u32,
    /// The folder has more than a page of entries.
    is_large: bool,
}

impl NameSeries {
    /// Returns whether the name continues the series, so that its neighbours should be requested as
    /// well.
    pub(super) fn continues(&self, name: &EntryName) -> bool {
        self.last.as_ref().is_some_and(|(last, at)| {
            let goes_on = self.found >= ALONE && name > last || self.missed >= ALONE;
            goes_on && at.elapsed() < PAUSE
        })
    }

    /// Returns whether names were missing, in any order, and the folder may fit into a page. All of
    /// it is of interest then.
    pub(super) fn may_fit_a_page(&self) -> bool {
        self.missed >= ALONE && !self.is_large
    }

    /// Records that the folder has more than a page of entries.
    pub(super) fn fits_no_page(&mut self) {
        self.is_large = true;
    }

    /// Records that a name was requested.
    pub(super) fn note(&mut self, name: &EntryName, is_there: bool) {
        let last = self.last.take().filter(|(_, at)| at.elapsed() < PAUSE);
        let Some((last, _)) = last else {
            *self = Self::default();
            return self.add(name, is_there);
        };
        if *name <= last {
            self.found = 0;
        }
        self.add(name, is_there);
    }

    fn add(&mut self, name: &EntryName, is_there: bool) {
        (self.found, self.missed) = if is_there {
            (self.found + 1, 0)
        } else {
            (0, self.missed + 1)
        };
        self.last = Some((name.clone(), Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_there_one_behind_the_other_are_a_row() {
        let name = |name| EntryName::from_component(name).unwrap();
        let mut series = NameSeries::default();
        series.note(&name("a"), true);
        assert!(!series.continues(&name("b")));
        series.note(&name("b"), true);
        assert!(series.continues(&name("c")));
        assert!(!series.continues(&name("a")), "before the last one");
        series.note(&name("c"), false);
        assert!(!series.continues(&name("d")), "one was not there");
        series.note(&name("a"), false);
        assert!(series.continues(&name("0")), "two were not there");
    }
}
