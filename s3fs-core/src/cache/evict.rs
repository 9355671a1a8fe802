//! Eviction of the least recently used entries.

use super::folder::{Folder, remove};
use super::scan::{ScanResult, ScannedEntry};

/// Removes entries until at most `keep` bytes are left; returns how many are left.
pub(super) fn evict(folder: &Folder, found: ScanResult, keep: u64) -> u64 {
    let mut left = found.bytes();
    for entry in victims(found.entries, left, keep) {
        // The index first: data without an index is swept, an index without data would be looked
        // at by every open.
        let removed = remove(&entry.index).and_then(|()| remove(&entry.data));
        match removed {
            Ok(()) => left -= entry.bytes,
            Err(error) => tracing::debug!(%error, ?folder, "failed to evict a cache entry"),
        }
    }
    left
}

/// Selects the entries to remove so that at most `keep` of `bytes` bytes are left.
fn victims(mut entries: Vec<ScannedEntry>, bytes: u64, keep: u64) -> Vec<ScannedEntry> {
    entries.sort_by_key(|entry| entry.used);
    let mut left = bytes;
    let enough = entries.iter().position(|entry| {
        let is_enough = left <= keep;
        if !is_enough {
            left -= entry.bytes;
        }
        is_enough
    });
    entries.truncate(enough.unwrap_or(entries.len()));
    entries
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn kept(name: &str, bytes: u64, used: u64) -> ScannedEntry {
        ScannedEntry {
            index: name.into(),
            data: name.into(),
            bytes,
            used: SystemTime::UNIX_EPOCH + Duration::from_secs(used),
        }
    }

    fn names(entries: &[ScannedEntry], bytes: u64, keep: u64) -> Vec<String> {
        let victims = victims(entries.to_vec(), bytes, keep);
        let names = victims.iter().map(|entry| entry.index.to_str().unwrap());
        names.map(str::to_owned).collect()
    }

    #[test]
    fn what_was_used_longest_ago_goes_first_and_no_more_than_needed() {
        let entries = [kept("b", 20, 2), kept("c", 30, 3), kept("a", 10, 1)];
        assert_eq!(names(&entries, 60, 60), [""; 0]);
        assert_eq!(names(&entries, 60, 59), ["a"]);
        assert_eq!(names(&entries, 60, 50), ["a"]);
        assert_eq!(names(&entries, 60, 49), ["a", "b"]);
        assert_eq!(names(&entries, 60, 0), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_entry_counts_and_cannot_go() {
        let entries = [kept("a", 10, 1)];
        assert_eq!(names(&entries, 100, 50), ["a"]);
    }
}
