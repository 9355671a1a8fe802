//! Map from folders to records, with a bound: at the limit, records that were not used lately
//! expire.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::tree::Ino;

/// Maximum number of folders with a record.
pub(super) const LIMIT: usize = 4096;

/// Time without a use after which a record may expire: programs do something else by then.
const QUIET: Duration = Duration::from_secs(2);

/// Records by folder. It holds no lock and does no I/O.
#[derive(Debug)]
pub(super) struct FolderMap<T>(HashMap<Ino, Record<T>>);

#[derive(Debug)]
struct Record<T> {
    value: T,
    used: Instant,
}

impl<T> Default for FolderMap<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Default> FolderMap<T> {
    /// Returns the record of a folder, if it has one. That is a use.
    pub(super) fn get(&mut self, dir: Ino, now: Instant) -> Option<&mut T> {
        let record = self.0.get_mut(&dir)?;
        record.used = now;
        Some(&mut record.value)
    }

    /// Returns the record of a folder, a new one if it has none. That is a use.
    pub(super) fn get_or_add(&mut self, dir: Ino, now: Instant) -> &mut T {
        if self.0.len() >= LIMIT && !self.0.contains_key(&dir) {
            self.expire(now);
        }
        let record = self.0.entry(dir).or_insert_with(|| Record {
            value: T::default(),
            used: now,
        });
        record.used = now;
        &mut record.value
    }

    /// Drops the records without a use for [`QUIET`]. If that leaves more than half of the limit,
    /// drops all but the half that was used last, so that this loop over all records is rare.
    fn expire(&mut self, now: Instant) {
        self.0
            .retain(|_, record| now.saturating_duration_since(record.used) < QUIET);
        if self.0.len() <= LIMIT / 2 {
            return;
        }
        let mut times: Vec<Instant> = self.0.values().map(|record| record.used).collect();
        times.sort_unstable();
        let oldest = times[times.len() - LIMIT / 2];
        self.0.retain(|_, record| record.used > oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses the records of folders, one every `pace`. Returns the map and the time behind the last
    /// use.
    fn used(folders: usize, pace: Duration) -> (FolderMap<usize>, Instant) {
        let (mut map, mut now) = (FolderMap::default(), Instant::now());
        for n in 0..folders {
            *map.get_or_add(ino(n), now) = n;
            now += pace;
        }
        (map, now)
    }

    fn ino(n: usize) -> Ino {
        Ino(n as u64 + 1)
    }

    #[test]
    fn a_record_stays_below_the_limit_however_old_it_is() {
        let (mut map, now) = used(LIMIT, Duration::from_mins(1));
        assert_eq!(map.get(ino(0), now).copied(), Some(0));
        assert_eq!(map.get(ino(LIMIT), now), None, "reading adds none");
    }

    #[test]
    fn at_the_limit_quiet_records_expire_and_used_ones_stay() {
        let (mut map, mut now) = used(LIMIT, Duration::ZERO);
        now += QUIET;
        map.get(ino(7), now);
        map.get_or_add(ino(8), now);
        map.get_or_add(ino(LIMIT), now);
        let left: Vec<_> = (0..=LIMIT)
            .filter(|n| map.get(ino(*n), now).is_some())
            .collect();
        assert_eq!(left, [7, 8, LIMIT]);
    }

    #[test]
    fn records_that_are_all_in_use_stay_within_the_limit_and_the_latest_stay() {
        let (mut map, now) = used(3 * LIMIT, Duration::from_nanos(1));
        assert!(map.0.len() <= LIMIT, "{}", map.0.len());
        for n in 3 * LIMIT - LIMIT / 2 + 1..3 * LIMIT {
            assert_eq!(map.get(ino(n), now).copied(), Some(n));
        }
        let (map, _) = used(3 * LIMIT, Duration::ZERO);
        assert!(map.0.len() <= LIMIT, "all at one time: {}", map.0.len());
    }

    #[test]
    fn a_known_folder_expires_nothing_at_the_limit() {
        let (mut map, now) = used(LIMIT, Duration::ZERO);
        map.get_or_add(ino(0), now + QUIET);
        assert_eq!(map.0.len(), LIMIT);
    }
}
