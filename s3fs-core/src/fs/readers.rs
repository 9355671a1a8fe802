//! Handles that read the same version of a file share a reader, and so what it has fetched.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::object::{ETag, Key};
use crate::read::Reader;
use crate::tree::Ino;

/// Look for readers that are gone no earlier than when there are so many.
const SWEEP: usize = 1024;

/// The readers of files that are open.
#[derive(Debug, Default)]
pub(super) struct Readers(Mutex<Live>);

#[derive(Debug, Default)]
struct Live {
    readers: HashMap<Ino, (Key, ETag, Weak<Reader>)>,
    sweep_at: usize,
}

impl Readers {
    /// The reader that other handles of this version use already, which takes over what the new one
    /// has fetched; else the new one.
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
