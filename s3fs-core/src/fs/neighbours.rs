//! Asking for a name together with its neighbours.
//!
//! A program that looks at the entries of a folder more slowly than what is known of them goes out
//! of date would cost a request for each. A page of keys costs as much as one key, so it is asked
//! for instead, from that name on, once several names in a folder had to be asked for again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fs::{Fs, FsError, seen};
use crate::list::Merger;
use crate::object::{EntryName, Key};
use crate::store::{ListFrom, ListPage, ListRequest};
use crate::tree::{Ino, Seen, Told};

/// So many names of a folder are asked for alone, one soon after the other.
const ALONE: u32 = 2;

/// A pause after which they are counted anew.
const PAUSE: Duration = Duration::from_secs(2);

/// Remember so many folders at most.
const FOLDERS: usize = 256;

/// How many names had to be asked for again, by folder.
#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<HashMap<Ino, (u32, Instant)>>);

impl Repeats {
    /// One more name of the folder has to be asked for again; whether its neighbours should be too.
    fn count(&self, dir: Ino) -> bool {
        let now = Instant::now();
        let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if folders.len() >= FOLDERS {
            folders.retain(|_, (_, last)| now.duration_since(*last) < PAUSE);
        }
        let (count, last) = folders.entry(dir).or_insert((0, now));
        if now.duration_since(*last) > PAUSE {
            *count = 0;
        }
        *count += 1;
        *last = now;
        *count > ALONE
    }
}

impl Fs {
    /// What the store says of a name that was known before, learned together with what it says of
    /// its neighbours; nothing if the name should be asked for alone.
    pub(super) async fn ask_with_neighbours(
        &self,
        dir: Ino,
        name: &EntryName,
        key: &Key,
    ) -> Result<Option<Seen>, FsError> {
        if !self.tree.remembers(dir, name) || !self.repeats.count(dir) {
            return Ok(None);
        }
        let Some(prefix) = self.tree.prefix_of(dir) else {
            return Ok(None);
        };
        let asked = Instant::now();
        let after = just_before(key.as_str());
        let request = ListRequest {
            prefix: &prefix,
            folded: true,
            from: ListFrom::After(&after),
            max_keys: 1000,
        };
        let page = self.store.list(request).await?;
        let decided = super::lookup::decide(&page, key, &format!("{key}/"));
        self.learn_page(dir, prefix, page, asked);
        Ok(decided)
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
    fn the_neighbours_begin_with_the_key() {
        for key in ["d/abc", "d/a\u{e000}", "d/ü", "d/\u{1}", "a"] {
            let before = just_before(key);
            assert!(before.as_str() < key, "{key:?}");
            assert!(before.len() <= key.len() + 4, "{key:?}");
        }
        assert!(just_before("d/abc").as_str() > "d/abb~");
    }
}
