//! First page of the root, fetched on connecting and used by the first listing.

use std::time::Instant;

use crate::fs::prefetch::Prefetch;
use crate::store::ListPage;
use crate::tree::Ino;

impl Prefetch {
    pub(in crate::fs) fn take_root_page(&self) -> Option<(ListPage, Instant)> {
        let page = self.root_page.lock().take();
        page.filter(|(_, asked)| asked.elapsed() < self.core.freshness.ttl())
    }

    /// Drops pages that were requested before an entry was made here.
    pub(in crate::fs) fn made(&self, dir: Ino) {
        self.outdate();
        if dir == Ino::ROOT {
            self.root_page.lock().take();
        }
    }
}
