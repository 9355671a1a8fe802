//! Usage of a store, by the kinds of requests that a bill distinguishes.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// List price of a request that lists, stores or copies, in US dollars, in the first region.
/// <https://aws.amazon.com/s3/pricing/>
const DEAR: f64 = 5e-6;

/// List price of a request that reads, in US dollars.
const CHEAP: f64 = 0.4e-6;

/// Number of requests, and of bytes that they moved. Retries and hedged requests are not
/// counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Number of pages of listings.
    pub lists: u64,
    /// Number of reads of objects, or ranges of them.
    pub gets: u64,
    /// Number of reads of objects' metadata.
    pub heads: u64,
    /// Number of objects and parts stored or copied, and of uploads started or completed.
    pub puts: u64,
    /// Number of objects and uploads removed, which costs nothing.
    pub deletes: u64,
    /// Number of bytes of objects received.
    pub bytes_read: u64,
    /// Number of bytes of objects sent.
    pub bytes_written: u64,
}

impl Usage {
    /// Returns the cost of the requests at list price, in US dollars, without transfer and storage.
    #[allow(clippy::cast_precision_loss, reason = "a number for reading")]
    pub fn cost(&self) -> f64 {
        (self.lists + self.puts) as f64 * DEAR + (self.gets + self.heads) as f64 * CHEAP
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.lists += more.lists;
        self.gets += more.gets;
        self.heads += more.heads;
        self.puts += more.puts;
        self.deletes += more.deletes;
        self.bytes_read += more.bytes_read;
        self.bytes_written += more.bytes_written;
    }
}

/// Formats as `read 1.5 MiB, wrote 0 B; 1 LIST, 2 GET, 0 HEAD, 0 PUT, 0 DELETE: $0.000006`.
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "read {}, wrote {}; {} LIST, {} GET, {} HEAD, {} PUT, {} DELETE: ${:.6}",
            ByteSize(self.bytes_read).display().iec(),
            ByteSize(self.bytes_written).display().iec(),
            self.lists,
            self.gets,
            self.heads,
            self.puts,
            self.deletes,
            self.cost()
        )
    }
}

/// Counters of requests, usable from any task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    lists: AtomicU64,
    gets: AtomicU64,
    heads: AtomicU64,
    puts: AtomicU64,
    deletes: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
}

impl Meter {
    pub(crate) fn list(&self) {
        add(&self.0.lists, 1);
    }

    pub(crate) fn get(&self) {
        add(&self.0.gets, 1);
    }

    pub(crate) fn head(&self) {
        add(&self.0.heads, 1);
    }

    pub(crate) fn put(&self, bytes: u64) {
        add(&self.0.puts, 1);
        add(&self.0.bytes_written, bytes);
    }

    pub(crate) fn delete(&self) {
        add(&self.0.deletes, 1);
    }

    pub(crate) fn came(&self, bytes: u64) {
        add(&self.0.bytes_read, bytes);
    }

    /// Returns the counts so far.
    pub(crate) fn read(&self) -> Usage {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Usage {
            lists: get(&self.0.lists),
            gets: get(&self.0.gets),
            heads: get(&self.0.heads),
            puts: get(&self.0.puts),
            deletes: get(&self.0.deletes),
            bytes_read: get(&self.0.bytes_read),
            bytes_written: get(&self.0.bytes_written),
        }
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_all() {
        let meter = Meter::default();
        meter.list();
        meter.get();
        meter.get();
        meter.came(1024 * 1024 * 3 / 2);
        meter.put(7);
        let mut usage = meter.read();
        usage += Usage {
            deletes: 3,
            ..Usage::default()
        };
        assert_eq!(
            usage.to_string(),
            "read 1.5 MiB, wrote 7 B; 1 LIST, 2 GET, 0 HEAD, 1 PUT, 3 DELETE: $0.000011"
        );
    }
}
