//! First part of a streaming file, retained after it was sent. Writers of archives, films and
//! tables come back to it when they know what follows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::budget::{Budget, Reclaim};
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;

/// State of the first part's bytes.
#[derive(Debug, Default)]
pub(super) enum RetainedHead {
    /// Bytes that are not retained.
    #[default]
    Gone,
    /// Bytes retained as they were sent, until the memory is needed elsewhere.
    Kept(Arc<RetainedBytes>),
    /// Bytes pinned in memory, and possibly changed since they were sent.
    Changed {
        /// Present bytes.
        buffer: PartBuffer,
        /// True if the upload has these bytes, or has them queued.
        is_put: bool,
    },
}

/// Bytes that can be dropped, since an upload has them too.
#[derive(Debug)]
pub(super) struct RetainedBytes {
    buffer: Mutex<Option<PartBuffer>>,
    used: AtomicBool,
}

impl RetainedBytes {
    fn take(&self) -> Option<PartBuffer> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.take()
    }

    fn get(&self) -> Option<PartBuffer> {
        let buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.clone()
    }
}

impl Reclaim for RetainedBytes {
    fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    fn reclaim(&self) {
        drop(self.take());
    }
}

impl RetainedHead {
    /// Retains a part, if it is in memory.
    pub(super) fn keep(buffer: PartBuffer, budget: &Budget) -> Self {
        if !buffer.is_in_memory() {
            return Self::Gone;
        }
        let kept = Arc::new(RetainedBytes {
            buffer: Mutex::new(Some(buffer)),
            used: AtomicBool::new(true),
        });
        let weak: Weak<RetainedBytes> = Arc::downgrade(&kept);
        budget.register(weak);
        Self::Kept(kept)
    }

    /// Returns the bytes, if they are retained.
    pub(super) fn get(&self) -> Option<PartBuffer> {
        match self {
            Self::Gone => None,
            Self::Kept(kept) => kept.get(),
            Self::Changed { buffer, .. } => Some(buffer.clone()),
        }
    }

    /// Pins the bytes: their memory can no longer be reclaimed.
    pub(super) fn pin(&mut self) {
        if let Self::Kept(kept) = self {
            *self = kept.take().map_or(Self::Gone, |buffer| Self::Changed {
                buffer,
                is_put: true,
            });
        }
    }

    /// Changes bytes before `end`, if they are retained; returns whether they are.
    ///
    /// # Errors
    /// Fails if there is no room for another version of them.
    pub(super) fn change(
        &mut self,
        end: u64,
        act: impl FnOnce(&mut PartBuffer) -> Result<(), WriteError>,
    ) -> Result<bool, WriteError> {
        if self.get().is_some_and(|buffer| end <= buffer.length()) {
            // A request for memory may reclaim the retained head.
            self.pin();
        }
        match self {
            Self::Changed { buffer, is_put } if end <= buffer.length() => {
                *is_put = false;
                act(buffer)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Returns the number of changed bytes that are still to be sent.
    pub(super) fn unsent_bytes(&self) -> u64 {
        match self {
            Self::Changed { buffer, is_put } if !*is_put => buffer.length(),
            _ => 0,
        }
    }

    /// Takes the changed bytes that are still to be sent, and marks them as handed to the upload.
    pub(super) fn take_unsent(&mut self) -> Option<PartBuffer> {
        match self {
            Self::Changed { buffer, is_put } if !*is_put => {
                *is_put = true;
                Some(buffer.clone())
            }
            _ => None,
        }
    }
}
