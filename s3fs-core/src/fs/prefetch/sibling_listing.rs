//! Sibling listing: asks for a name together with its neighbours.
//!
//! A program may look up the names of a folder one after another without listing it, or more slowly
//! than a listing expires. Each name would cost a request. The same holds for a program that makes
//! many files, whose names must not exist. A page of keys costs as much as one key. So once several
//! names in a row existed, or did not, a page from that name on is requested instead.

use std::time::Instant;

use crate::fs::prefetch::Prefetch;
use crate::fs::prefetch::name_series::NameSeries;
use crate::fs::prefetch::page::decide;
use crate::fs::seen;
use crate::list::{Merger, end_of, list_page};
use crate::object::{EntryName, Key};
use crate::store::{ListFrom, ListPage, ListRequest};
use crate::tree::{Ino, ListingEntry, Reported};

impl Prefetch {
    /// Asks the store for a name and its neighbours, and updates the tree. Returns `None` if the
    /// name should be requested alone.
    pub(in crate::fs) async fn ask_with_neighbours(
        &self,
        dir: Ino,
        name: &EntryName,
        key: &Key,
    ) -> Option<ListingEntry> {
        let names = self.folders.names(dir);
        if !names.continues(name) {
            return None;
        }
        let prefix = self.core.tree.prefix_of(dir)?;
        if names.may_fit_a_page() {
            let seen = self.ask_page(dir, name, key, &prefix, None).await;
            if seen.is_some() {
                return seen;
            }
            self.folders.update_names(dir, NameSeries::fits_no_page);
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
    ) -> Option<ListingEntry> {
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
        self.apply_page(dir, prefix.to_owned(), page, asked);
        match (after, last) {
            (None, None) => self.core.tree.completed(dir, asked),
            (None, Some(_)) => {}
            (Some(_), last) => self.core.tree.covered(dir, name.clone(), last, asked),
        }
        decided
    }

    /// Records that a name was requested, and whether it exists.
    pub(in crate::fs) fn asked_for(&self, dir: Ino, name: &EntryName, seen: &ListingEntry) {
        let is_there = !matches!(seen, ListingEntry::Absent);
        self.folders
            .update_names(dir, |names| names.note(name, is_there));
    }

    fn apply_page(&self, dir: Ino, prefix: String, page: ListPage, asked: Instant) {
        let entries = Merger::new(prefix).page(page);
        let entries = entries.iter().map(seen);
        self.core
            .tree
            .apply_all(dir, entries, asked, |_, _| Reported::No);
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
    fn the_neighbours_begin_with_the_key() {
        for key in ["d/abc", "d/a\u{e000}", "d/ü", "d/\u{1}", "a"] {
            let before = just_before(key);
            assert!(before.as_str() < key, "{key:?}");
            assert!(before.len() <= key.len() + 4, "{key:?}");
        }
        assert!(just_before("d/abc").as_str() > "d/abb~");
    }
}
