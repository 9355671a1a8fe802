//! Readers shared by all handles of the same version of a file, with the bytes that they have
//! fetched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::object::{ETag, Key};
use crate::read::Reader;
use crate::tree::Ino;

/// Minimum number of entries at which dropped readers are removed.
const SWEEP: usize = 1024;

/// Readers of open files.
#[derive(Debug, Default)]
pub(super) struct Readers(Mutex<Live>);

#[derive(Debug, Default)]
struct Live {
    readers: HashMap<Ino, (Key, ETag, Weak<Reader>)>,
    sweep_at: usize,
}

impl Readers {
    /// Returns the reader that other handles of this version use already, after it takes over what
    /// `new` has fetched. Returns `new` if there is none.
    pub(super) fn share(&self, ino: Ino, key: &Key, etag: &ETag, new: Arc<Reader>) -> Arc<Reader> {
        let mut live = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, of, reader)) = live.readers.get(&ino)
            && (at, of) == (key, etag)
            && let Some(reader) = reader.upgrade()
        {
            reader.take_over(&new);
            return reader;
        }
        if live.readers.len() >= live.sweep_at {
            live.readers
                .retain(|_, (_, _, reader)| reader.strong_count() > 0);
            live.sweep_at = SWEEP.max(2 * live.readers.len());
        }
        let weak = Arc::downgrade(&new);
        live.readers.insert(ino, (key.clone(), etag.clone(), weak));
        new
    }
}
