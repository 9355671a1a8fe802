//! Passthrough: open files that the kernel reads from the local disk by itself.
//!
//! The kernel has rules for each inode. While it is open by passthrough, every other open must be
//! as well, with the same backing file. While it is open otherwise, none may be. A violation fails
//! with `EIO`. The first open therefore decides, and the others follow until the last is closed.
//! They may: an inode is one version, and the store has confirmed it for each of these opens.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fuser::{BackingId, FileHandle, FopenFlags, INodeNo, InitFlags, KernelConfig, ReplyOpen};

/// Maximum stacking depth of backing files: a plain file system, not a stacked one (overlayfs).
/// More depth here would keep others from stacking on this mount.
const STACK_DEPTH: u32 = 1;

/// Inodes that are open, by passthrough or otherwise.
#[derive(Debug, Default)]
pub(super) struct Passthrough {
    is_on: AtomicBool,
    inodes: Mutex<Inodes<BackingId>>,
}

impl Passthrough {
    /// Requests passthrough from the kernel, before any file is open.
    pub(super) fn negotiate(&self, config: &mut KernelConfig) {
        let offered = config.add_capabilities(InitFlags::FUSE_PASSTHROUGH).is_ok()
            && config.set_max_stack_depth(STACK_DEPTH).is_ok();
        self.is_on.store(offered, Ordering::Relaxed);
        tracing::debug!(offered, "passthrough");
    }

    /// Returns whether the next open of a file could use a local copy.
    pub(super) fn wants(&self, ino: INodeNo) -> bool {
        self.is_on.load(Ordering::Relaxed) && !self.lock().is_open(ino)
    }

    /// Answers an open, by passthrough to a local copy of the file or else with the flags
    /// `otherwise`.
    pub(super) fn opened(
        &self,
        ino: INodeNo,
        handle: FileHandle,
        copy: Option<File>,
        otherwise: FopenFlags,
        reply: ReplyOpen,
    ) {
        let backing = self.lock().open(ino, || {
            self.register(copy?, |file| reply.open_backing(file))
        });
        match backing {
            Some(backing) => {
                reply.opened_passthrough(handle, FopenFlags::empty(), &backing);
            }
            None => reply.opened(handle, otherwise),
        }
    }

    /// Records that a handle was closed.
    pub(super) fn released(&self, ino: INodeNo) {
        let last = self.lock().release(ino);
        // Outside the lock, because it tells the kernel.
        drop(last);
    }

    fn register(
        &self,
        copy: File,
        register: impl FnOnce(File) -> io::Result<BackingId>,
    ) -> Option<BackingId> {
        if !self.is_on.load(Ordering::Relaxed) {
            return None;
        }
        match register(copy) {
            Ok(backing) => Some(backing),
            Err(error) => {
                // It takes CAP_SYS_ADMIN, and a disk that may be stacked on: that will not change.
                tracing::debug!(%error, "kernel refuses passthrough");
                self.is_on.store(false, Ordering::Relaxed);
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inodes<BackingId>> {
        self.inodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Backing file of each open inode, if it has one, and the number of its handles.
#[derive(Debug)]
struct Inodes<B>(HashMap<INodeNo, (Option<Arc<B>>, usize)>);

impl<B> Default for Inodes<B> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<B> Inodes<B> {
    fn is_open(&self, ino: INodeNo) -> bool {
        self.0.contains_key(&ino)
    }

    /// Adds a handle and returns the inode's backing, if any. `first` decides for the first handle.
    fn open(&mut self, ino: INodeNo, first: impl FnOnce() -> Option<B>) -> Option<Arc<B>> {
        let inode = self.0.entry(ino);
        let (backing, handles) = inode.or_insert_with(|| (first().map(Arc::new), 0));
        *handles += 1;
        backing.clone()
    }

    /// Removes a handle; returns the backing if it was the last.
    fn release(&mut self, ino: INodeNo) -> Option<Arc<B>> {
        let (_, handles) = self.0.get_mut(&ino)?;
        *handles -= 1;
        if *handles > 0 {
            return None;
        }
        self.0.remove(&ino)?.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INO: INodeNo = INodeNo(7);

    #[test]
    fn the_first_open_decides_until_the_last_is_closed() {
        let mut inodes = Inodes::default();
        assert_eq!(inodes.open(INO, || Some("a")).as_deref(), Some(&"a"));
        assert_eq!(inodes.open(INO, || Some("b")).as_deref(), Some(&"a"));
        assert_eq!(inodes.open(INO, || None).as_deref(), Some(&"a"));
        assert_eq!(inodes.release(INO), None);
        assert_eq!(inodes.release(INO), None);
        assert_eq!(inodes.release(INO).as_deref(), Some(&"a"));
        assert_eq!(inodes.open(INO, || None), None);
        assert_eq!(inodes.open(INO, || Some("c")), None);
        assert_eq!(inodes.release(INO), None);
        assert!(inodes.is_open(INO));
        assert_eq!(inodes.release(INO), None);
        assert!(!inodes.is_open(INO));
        assert_eq!(inodes.open(INO, || Some("d")).as_deref(), Some(&"d"));
    }

    #[test]
    fn inodes_are_apart_and_one_that_is_not_open_is_ignored() {
        let mut inodes = Inodes::default();
        assert_eq!(inodes.release(INO), None);
        inodes.open(INO, || Some("a"));
        assert_eq!(inodes.open(INodeNo(8), || None), None);
        assert_eq!(inodes.release(INO).as_deref(), Some(&"a"));
        assert!(inodes.is_open(INodeNo(8)));
    }
}
