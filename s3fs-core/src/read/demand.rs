//! Number of streams that were read lately, each counted once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Length of an epoch. A stream counts in the epoch of its last read and in the next one: longer than
/// parts take that come together, after which a stream does not wait for a while.
const EPOCH: Duration = Duration::from_secs(4);

/// Counter of streams. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StreamCounter {
    start: Instant,
    counts: Arc<Mutex<StreamCounts>>,
}

/// Number of streams by the epoch of their last read.
#[derive(Debug, Default)]
struct StreamCounts {
    epoch: u64,
    current: usize,
    previous: usize,
}

/// Place of a stream in a counter; given up when dropped.
#[derive(Debug, Default)]
pub struct Presence(Option<(StreamCounter, u64)>);

impl Default for StreamCounter {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            counts: Arc::default(),
        }
    }
}

impl StreamCounter {
    /// Returns the number of streams that were read in this epoch or the last.
    pub fn count(&self) -> usize {
        let epoch = self.epoch();
        self.lock().count(epoch)
    }

    fn epoch(&self) -> u64 {
        self.start.elapsed().as_secs() / EPOCH.as_secs()
    }

    fn lock(&self) -> MutexGuard<'_, StreamCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presence {
    /// Records that the stream was read now.
    pub fn renew(&mut self, counter: &StreamCounter) {
        let epoch = counter.epoch();
        let last = self.0.as_ref().map(|(_, last)| *last);
        if last == Some(epoch) {
            return;
        }
        counter.lock().renew(last, epoch);
        self.0 = Some((counter.clone(), epoch));
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some((counter, last)) = &self.0 {
            counter.lock().leave(*last);
        }
    }
}

impl StreamCounts {
    fn advance(&mut self, epoch: u64) {
        if epoch > self.epoch {
            self.previous = if epoch == self.epoch + 1 {
                self.current
            } else {
                0
            };
            self.current = 0;
            self.epoch = epoch;
        }
    }

    fn leave(&mut self, last: u64) {
        if last == self.epoch {
            self.current -= 1;
        } else if last + 1 == self.epoch {
            self.previous -= 1;
        }
    }

    fn renew(&mut self, last: Option<u64>, epoch: u64) {
        self.advance(epoch);
        if let Some(last) = last {
            self.leave(last);
        }
        // Another thread may be an epoch ahead.
        if epoch == self.epoch {
            self.current += 1;
        } else if epoch + 1 == self.epoch {
            self.previous += 1;
        }
    }

    fn count(&mut self, epoch: u64) -> usize {
        self.advance(epoch);
        self.current + self.previous
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_counts_once_until_an_epoch_has_passed() {
        let mut counts = StreamCounts::default();
        counts.renew(None, 0);
        counts.renew(None, 0);
        assert_eq!(counts.count(0), 2);
        counts.renew(Some(0), 1);
        assert_eq!(counts.count(1), 2);
        assert_eq!(counts.count(2), 1);
        assert_eq!(counts.count(3), 0);
        counts.renew(Some(1), 9);
        counts.renew(Some(0), 9);
        assert_eq!(counts.count(9), 2);
    }

    #[test]
    fn a_stream_that_ends_counts_no_more() {
        let counter = StreamCounter::default();
        let mut streams: Vec<Presence> = (0..3).map(|_| Presence::default()).collect();
        for stream in &mut streams {
            stream.renew(&counter);
        }
        streams[0].renew(&counter);
        assert_eq!(counter.count(), 3);
        streams.pop();
        assert_eq!(counter.count(), 2);
        drop(streams);
        assert_eq!(counter.count(), 0);
    }
}
