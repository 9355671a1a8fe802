//! Sibling listing: asks for a name together with its neighbours.
//!
//! A program may look up the names of a folder one after another without listing it, or more slowly
//! than a listing expires. Each name would cost a request. The same holds for a program that makes
//! many files, whose names must not exist. A page of keys costs as much as one key. So once several
//! names in a row existed, or did not, a page from that name on is requested instead.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fs::prefetch::Prefetch;
use crate::fs::prefetch::page::decide;
use crate::fs::seen;
use crate::list::{Merger, end_of, list_page};
use crate::object::{EntryName, Key};
use crate::store::{ListFrom, ListPage, ListRequest};
use crate::tree::{Ino, Seen, Told};

/// Number of consecutive names of a folder that are requested alone.
const ALONE: u32 = 2;

/// Pause after which consecutive names are counted anew.
const PAUSE: Duration = Duration::from_secs(2);

/// Maximum number of tracked folders.
const FOLDERS: usize = 256;

/// Names that were requested from the store, by folder.
#[derive(Debug, Default)]
pub(in crate::fs) struct Asked(Mutex<HashMap<Ino, Row>>);

/// Consecutive names of one folder that were requested.
#[derive(Debug)]
struct Row {
    last: EntryName,
    at: Instant,
    /// Number of consecutive existing names, each behind the last.
    found: u32,
    /// Number of consecutive missing names, in any order.
    missed: u32,
    /// The folder has more than a page of entries.
    is_large: bool,
}

impl Asked {
    /// Returns whether the name continues a series, so that its neighbours should be requested as
    /// well.
    fn is_row(&self, dir: Ino, name: &EntryName) -> bool {
        let folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folders.get(&dir).is_some_and(|row| {
            let goes_on = row.found >= ALONE && *name > row.last || row.missed >= ALONE;
            goes_on && row.at.elapsed() < PAUSE
        })
    }

    /// Returns whether names were missing, in any order, and the folder may fit into a page. All of
    /// it is of interest then.
    fn may_fit_a_page(&self, dir: Ino) -> bool {
        let folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = folders.get(&dir);
        row.is_some_and(|row| row.missed >= ALONE && !row.is_large)
    }

    fn fits_no_page(&self, dir: Ino) {
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = folders.get_mut(&dir) {
            row.is_large = true;
        }
    }

    /// Records that a name was requested.
    fn note(&self, dir: Ino, name: &EntryName, is_there: bool) {
        let now = Instant::now();
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if folders.len() >= FOLDERS {
            folders.retain(|_, row| now.duration_since(row.at) < PAUSE);
        }
        let before = folders.get(&dir).filter(|row| row.at.elapsed() < PAUSE);
        let found = before.filter(|row| *name > row.last);
        let found = found.map_or(0, |row| row.found);
        let missed = before.map_or(0, |row| row.missed);
        let row = Row {
            last: name.clone(),
            at: now,
            found: if is_there { found + 1 } else { 0 },
            missed: if is_there { 0 } else { missed + 1 },
            is_large: before.is_some_and(|row| row.is_large),
        };
        folders.insert(dir, row);
    }
}

impl Prefetch {
    /// Asks the store for a name and its neighbours, and updates the tree. Returns `None` if the
    /// name should be requested alone.
    pub(in crate::fs) async fn ask_with_neighbours(
        &self,
        dir: Ino,
        name: &EntryName,
        key: &Key,
    ) -> Option<Seen> {
        if !self.asked.is_row(dir, name) {
            return None;
        }
        let prefix = self.core.tree.prefix_of(dir)?;
        if self.asked.may_fit_a_page(dir) {
            let seen = self.ask_page(dir, name, key, &prefix, None).await;
            if seen.is_some() {
                return seen;
            }
            self.asked.fits_no_page(dir);
        }
        if !self.core.store.capabilities().has_order() {
            return None;
        }
        let after = just_before(key.as_str());
        self.ask_page(dir, name, key, &prefix, Some(&after)).await
    }

    /// Adds a page of a folder to the tree, from its beginning or behind a key. Returns what the
    /// page says about a name.
    async fn ask_page(
        &self,
        dir: Ino,
        name: &EntryName,
        key: &Key,
        prefix: &str,
        after: Option<&str>,
    ) -> Option<Seen> {
        let asked = Instant::now();
        let request = ListRequest {
            prefix,
            folded: true,
            from: after.map_or(ListFrom::Beginning, ListFrom::After),
            max_keys: 1000,
        };
        // Servers may refuse this start of a page. The name is then requested alone, which may
        // fail.
        let page = list_page(&*self.core.store, request).await.ok()?;
        if after.is_some() && !self.core.store.capabilities().has_order() {
            return None;
        }
        let decided = decide(&*self.core.store, &page, key);
        let last = end_of(&page, self.core.store.capabilities());
        let last = last.and_then(|last| last.strip_prefix(prefix));
        let last = last.unwrap_or_default().to_owned();
        let last = page.next.is_some().then_some(last);
        self.learn_page(dir, prefix.to_owned(), page, asked);
        match (after, last) {
            (None, None) => self.core.tree.completed(dir, asked),
            (None, Some(_)) => {}
            (Some(_), last) => self.core.tree.covered(dir, name.clone(), last, asked),
        }
        decided
    }

    /// Records that a name was requested, and whether it exists.
    pub(in crate::fs) fn asked_for(&self, dir: Ino, name: &EntryName, seen: &Seen) {
        self.asked.note(dir, name, !matches!(seen, Seen::Absent));
    }

    fn learn_page(&self, dir: Ino, prefix: String, page: ListPage, asked: Instant) {
        let entries = Merger::new(prefix).page(page);
        let entries = entries.iter().map(seen);
        self.core
            .tree
            .learn_all(dir, entries, asked, |_, _| Told::No);
    }
}

/// Returns a string shortly before the key in key order, so that a page behind it begins with the
/// key.
pub(in crate::fs) fn just_before(key: &str) -> String {
    let mut before = key.to_owned();
    let last = before.pop().map_or(0, u32::from);
    let smaller = (0..last).rev().find_map(char::from_u32);
    if let Some(smaller) = smaller {
        before.push(smaller);
        before.push(char::MAX);
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_there_one_behind_the_other_are_a_row() {
        let name = |name| EntryName::from_component(name).unwrap();
        let (asked, dir) = (Asked::default(), Ino::ROOT);
        asked.note(dir, &name("a"), true);
        assert!(!asked.is_row(dir, &name("b")));
        asked.note(dir, &name("b"), true);
        assert!(asked.is_row(dir, &name("c")));
        assert!(!asked.is_row(dir, &name("a")), "before the last one");
        assert!(!asked.is_row(Ino(7), &name("c")), "in another folder");
        asked.note(dir, &name("c"), false);
        assert!(!asked.is_row(dir, &name("d")), "one was not there");
        asked.note(dir, &name("a"), false);
        assert!(asked.is_row(dir, &name("0")), "two were not there");
    }

    #[test]
    fn the_neighbours_begin_with_the_key() {
        for key in ["d/abc", "d/a\u{e000}", "d/ü", "d/\u{1}", "a"] {
            let before = just_before(key);
            assert!(before.as_str() < key, "{key:?}");
            assert!(before.len() <= key.len() + 4, "{key:?}");
        }
        assert!(just_before("d/abc").as_str() > "d/abb~");
    }
}
