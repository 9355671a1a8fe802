//! Kernel notifier: bytes fetched ahead for the page cache, and names and pages to drop.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::fs::Fs;
use crate::fs::open_files::OpenFiles;
use crate::object::ETag;
use crate::read::Pages;
use crate::tree::{Ino, Kind, NodeId, Tree};

/// Kernel that a file system is served to.
pub trait KernelNotifier: Debug + Send + Sync + 'static {
    /// Puts bytes of a file into the page cache. Returns whether the kernel took them.
    fn store(&self, node: NodeId, offset: u64, bytes: &[u8]) -> bool;

    /// Makes the kernel drop a cached name. May wait for operations on the folder.
    fn forget_name(&self, dir: NodeId, name: &OsStr);

    /// Makes the kernel drop the cached pages of a range of a file. Waits for reads of them that
    /// are under way.
    fn forget_pages(&self, node: NodeId, range: Range<u64>);
}

/// Kernel of the mount, set once it serves.
#[derive(Debug, Default)]
pub(super) struct Notifier(OnceLock<Arc<dyn KernelNotifier>>);

impl Notifier {
    pub(super) fn set(&self, kernel: Arc<dyn KernelNotifier>) {
        // A file system is served once.
        let _ = self.0.set(kernel);
    }

    pub(super) fn get(&self) -> Option<Arc<dyn KernelNotifier>> {
        self.0.get().map(Arc::clone)
    }

    /// Returns the page cache of a version of a file, if the kernel is known.
    pub(super) fn pages(
        &self,
        ino: Ino,
        etag: ETag,
        files: &Arc<OpenFiles>,
        tree: &Arc<Tree>,
    ) -> Option<Arc<dyn Pages>> {
        let kernel = self.get()?;
        // The kernel's number means this version for as long as bytes of it may be put there.
        tree.reference(ino);
        let node = tree.entry(ino).map(|entry| entry.node);
        Some(Arc::new(FilePages {
            kernel,
            ino,
            node,
            etag,
            files: Arc::clone(files),
            tree: Arc::clone(tree),
        }))
    }
}

impl Fs {
    /// Drops the cached pages of a range that was written around the page cache (`O_DIRECT`). Other
    /// programs may have read the old bytes into it meanwhile. The kernel drops them itself for
    /// synchronous writes, but not for asynchronous ones. Must be awaited before the write is
    /// answered.
    pub async fn written_directly(&self, node: NodeId, range: Range<u64>) {
        if let Some(kernel) = self.kernel.get() {
            // It waits for reads, which need a thread of the runtime.
            let forgetting = tokio::task::spawn_blocking(move || kernel.forget_pages(node, range));
            // Only a panic ends it early.
            let _ = forgetting.await;
        }
    }
}

#[derive(Debug)]
struct FilePages {
    kernel: Arc<dyn KernelNotifier>,
    ino: Ino,
    node: Option<NodeId>,
    etag: ETag,
    files: Arc<OpenFiles>,
    tree: Arc<Tree>,
}

impl FilePages {
    /// Returns whether the inode still has this version: a write through this mount keeps the
    /// inode.
    fn is_present(&self) -> bool {
        let kind = self.tree.entry(self.ino).map(|entry| entry.kind);
        matches!(kind, Some(Kind::File(file)) if file.etag.as_ref() == Some(&self.etag))
    }
}

impl Drop for FilePages {
    fn drop(&mut self) {
        self.tree.forget(self.ino, 1);
    }
}

impl Pages for FilePages {
    fn store(&self, offset: u64, bytes: &[u8]) -> bool {
        // Old bytes must not overwrite what a program writes.
        let Some(node) = self.node else {
            return false;
        };
        let stored = self.files.unless_written(self.ino, || {
            self.is_present() && self.kernel.store(node, offset, bytes)
        });
        stored.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::object::{EntryName, ObjectMeta, Prefix};
    use crate::tree::FileState;

    #[derive(Debug)]
    struct TakesAll;

    impl KernelNotifier for TakesAll {
        fn store(&self, _node: NodeId, _offset: u64, _bytes: &[u8]) -> bool {
            true
        }
        fn forget_name(&self, _dir: NodeId, _name: &OsStr) {}
        fn forget_pages(&self, _node: NodeId, _range: Range<u64>) {}
    }

    #[test]
    fn nothing_is_put_into_the_page_cache_of_a_file_that_was_changed() {
        let cell = Notifier::default();
        cell.set(Arc::new(TakesAll));
        let tree = Arc::new(Tree::new(Prefix::root(), Duration::from_secs(1)));
        let (name, etag) = (EntryName::from_component("f").unwrap(), ETag::new("1"));
        let file = FileState::from(ObjectMeta {
            size: 5,
            modified: SystemTime::UNIX_EPOCH,
            etag: etag.clone(),
        });
        let ino = tree.create(Ino::ROOT, &name, Kind::File(file)).ino;
        let files = Arc::new(OpenFiles::default());
        let pages = cell.pages(ino, etag, &files, &tree).unwrap();
        assert!(pages.store(0, b"bytes"));
        tree.update_file(ino, |file| file.etag = Some(ETag::new("2")));
        assert!(!pages.store(0, b"bytes"));
    }
}
