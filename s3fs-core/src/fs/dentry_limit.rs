//! Limit on the entries that listings have reported to the kernel.
//!
//! Each entry that the kernel caches is held in memory here as well. The kernel drops entries only
//! when memory is scarce, so a walk through millions of files would use this process's memory.
//! Above the limit, the kernel is asked to forget the oldest entries.

use std::collections::VecDeque;

use crate::fs::notifier::{KernelNotifier, Notifier};
use crate::object::EntryName;
use crate::ordered::{LAST, Ordered};
use crate::tree::NodeId;

/// Number of entries above which the kernel is asked to forget some. Each takes up to 0.5 KB here.
const MOST: usize = 128 << 10;

/// Number of entries that are forgotten at a time.
const BATCH: usize = 4 << 10;

/// Entries that listings have reported to the kernel, the oldest first.
#[derive(Debug, Default)]
pub(super) struct DentryLimit(Ordered<VecDeque<(NodeId, EntryName)>, LAST>);

impl DentryLimit {
    /// Records an entry that was reported to the kernel.
    pub(super) fn push(&self, dir: NodeId, name: EntryName) {
        self.lock(|told| told.push_back((dir, name)));
    }

    /// Makes the kernel forget the entries above the limit, in the background.
    pub(super) fn thin_out(&self, kernel: &Notifier) {
        let excess = self.lock(|told| {
            let is_full = told.len() >= MOST + BATCH;
            is_full.then(|| told.drain(..BATCH).collect::<Vec<_>>())
        });
        if let Some(excess) = excess
            && let Some(kernel) = kernel.get()
        {
            // Not on a runtime thread: the call waits for folders that are being read.
            tokio::task::spawn_blocking(move || forget(&*kernel, &excess));
        }
    }

    fn lock<T>(&self, act: impl FnOnce(&mut VecDeque<(NodeId, EntryName)>) -> T) -> T {
        act(&mut self.0.lock())
    }
}

fn forget(kernel: &dyn KernelNotifier, names: &[(NodeId, EntryName)]) {
    for (dir, name) in names {
        kernel.forget_name(*dir, name.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    use super::*;

    #[derive(Debug, Default)]
    struct Forgets(AtomicUsize);

    impl KernelNotifier for Forgets {
        fn store(&self, _node: NodeId, _offset: u64, _bytes: &[u8]) -> bool {
            false
        }
        fn forget_name(&self, _dir: NodeId, _name: &OsStr) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn forget_pages(&self, _node: NodeId, _range: std::ops::Range<u64>) {}
    }

    #[test]
    fn the_kernel_forgets_all_but_a_number_of_entries() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let kernel = Arc::new(Forgets::default());
        let cell = Notifier::default();
        cell.set(Arc::clone(&kernel) as Arc<dyn KernelNotifier>);
        let crowd = DentryLimit::default();
        let total = 2 * MOST;
        runtime.block_on(async {
            for n in 0..total {
                let name = EntryName::from_component(&n.to_string()).unwrap();
                crowd.push(NodeId::ROOT, name);
                crowd.thin_out(&cell);
            }
        });
        let left = || total - kernel.0.load(Ordering::Relaxed);
        let start = Instant::now();
        while left() >= MOST + BATCH && start.elapsed() < Duration::from_secs(20) {
            std::thread::yield_now();
        }
        assert!((MOST..MOST + BATCH).contains(&left()), "{}", left());
    }
}
