//! Asking for a name together with its neighbours.
//!
//! A program that takes one name of a folder after another, without listing it or more slowly than
//! what a listing said goes out of date, would cost a request for each; so would one that makes many
//! files, whose names must not be there. A page of keys costs as much as one key, so it is asked for
//! instead, from that name on, once several names in a row were there, or were not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fs::{Fs, seen};
use crate::list::{Merger, end_of, list_page};
use crate::object::{EntryName, Key};
use crate::store::{ListFrom, ListPage, ListRequest};
use crate::tree::{Ino, Seen, Told};

/// So many names of a folder are asked for alone, each behind the last.
const ALONE: u32 = 2;

/// A pause after which they are counted anew.
const PAUSE: Duration = Duration::from_secs(2);

/// Remember so many folders at most.
const FOLDERS: usize = 256;

/// The names that had to be asked for, by folder.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<HashMap<Ino, Row>>);

/// Names that were asked for.
#[derive(Debug)]
struct Row {
    last: EntryName,
    at: Instant,
    /// One behind the other, and there.
    found: u32,
    /// One after the other, and not there.
    missed: u32,
    /// The folder has more than a page of entries.
    is_large: bool,
}

impl Asked {
    /// Whether the name goes on with a row, so that its neighbours should be asked for as well.
    fn is_row(&self, dir: Ino, name: &EntryName) -> bool {
        let folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        folders.get(&dir).is_some_and(|row| {
            let goes_on = row.found >= ALONE && *name > row.last || row.missed >= ALONE;
            goes_on && row.at.elapsed() < PAUSE
        })
    }

    /// Whether names were not there, in whatever order, so that all of the folder is of interest, and
    /// it may fit into a page.
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

    /// A name was asked for.
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

impl Fs {
    /// What the store says of a name, learned together with what it says of its neighbours; nothing
    /// if the name should be asked for alone.
    pub(super) async fn ask_with_neighbours(
        &self,
        dir: Ino,
        name: &EntryName,
        key: &Key,
    ) -> Option<Seen> {
        if !self.asked.is_row(dir, name) {
            return None;
        }
        let prefix = self.tree.prefix_of(dir)?;
        if self.asked.may_fit_a_page(dir) {
            let seen = self.ask_page(dir, name, key, &prefix, None).await;
            if seen.is_some() {
                return seen;
            }
            self.asked.fits_no_page(dir);
        }
        if !self.store.capabilities().has_order() {
            return None;
        }
        let after = just_before(key.as_str());
        self.ask_page(dir, name, key, &prefix, Some(&after)).await
    }

    /// Learns a page of a folder, from its beginning or behind a key; returns what it says of a name.
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
        // Servers may refuse where it begins. The name alone is asked for then, and may fail.
        let page = list_page(&*self.store, request).await.ok()?;
        if after.is_some() && !self.store.capabilities().has_order() {
            return None;
        }
        let decided = super::lookup::decide(&*self.store, &page, key);
        let last = end_of(&page, self.store.capabilities());
        let last = last.and_then(|last| last.strip_prefix(prefix));
        let last = last.unwrap_or_default().to_owned();
        let last = page.next.is_some().then_some(last);
        self.learn_page(dir, prefix.to_owned(), page, asked);
        match (after, last) {
            (None, None) => self.tree.completed(dir, asked),
            (None, Some(_)) => {}
            (Some(_), last) => self.tree.covered(dir, name.clone(), last, asked),
        }
        decided
    }

    /// A name was asked for, and is there or not.
    pub(super) fn asked_for(&self, dir: Ino, name: &EntryName, seen: &Seen) {
        self.asked.note(dir, name, !matches!(seen, Seen::Absent));
    }

    fn learn_page(&self, dir: Ino, prefix: String, page: ListPage, asked: Instant) {
        let entries = Merger::new(prefix).page(page);
        let entries = entries.iter().map(seen);
        self.tree.learn_all(dir, entries, asked, |_, _| Told::No);
    }
}

/// A string before the key with little in between, so that what follows it begins with the key.
pub(super) fn just_before(key: &str) -> String {
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
