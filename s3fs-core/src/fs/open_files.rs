//! Files that are open for writing, and who shares them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::object::{ETag, Key};
use crate::read::Reader;
use crate::tree::Ino;
use crate::write::Writer;

/// A file that is open for writing, by one or more handles.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) ino: Ino,
    pub(super) uri: String,
    pub(super) key: Key,
    pub(super) writer: Writer,
}

/// One handle of such a file.
#[derive(Debug)]
pub(super) struct WriteHandle {
    pub(super) file: Arc<OpenFile>,
    /// The process that opened it. When it closes the file, the file is stored; a child that
    /// merely inherited the descriptor and exits is no reason to.
    pub(super) opener: u32,
    /// A reader of the stored version, for a file too large to be read from the writer.
    pub(super) reader: tokio::sync::Mutex<Option<(ETag, Arc<Reader>)>>,
}

/// The files that are open for writing, with how many handles each.
#[derive(Debug, Default)]
pub(super) struct OpenFiles(Mutex<HashMap<Ino, (Arc<OpenFile>, usize)>>);

impl OpenFiles {
    pub(super) fn get(&self, ino: Ino) -> Option<Arc<OpenFile>> {
        self.lock().get(&ino).map(|(file, _)| Arc::clone(file))
    }

    pub(super) fn all(&self) -> Vec<Arc<OpenFile>> {
        self.lock()
            .values()
            .map(|(file, _)| Arc::clone(file))
            .collect()
    }

    /// One more handle of the file, or of the one that came first if another open was faster.
    pub(super) fn share(&self, ino: Ino, new: Option<OpenFile>) -> Option<Arc<OpenFile>> {
        let mut files = self.lock();
        if let Some((file, handles)) = files.get_mut(&ino) {
            *handles += 1;
            return Some(Arc::clone(file));
        }
        let file = Arc::new(new?);
        files.insert(ino, (Arc::clone(&file), 1));
        Some(file)
    }

    /// One handle fewer; true if it was the last.
    pub(super) fn leave(&self, ino: Ino) -> bool {
        match self.lock().get_mut(&ino) {
            Some((_, handles)) => {
                *handles = handles.saturating_sub(1);
                *handles == 0
            }
            None => false,
        }
    }

    /// Forgets the file, unless it was opened again meanwhile.
    pub(super) fn remove_unused(&self, ino: Ino) -> bool {
        let mut files = self.lock();
        let unused = files.get(&ino).is_some_and(|(_, handles)| *handles == 0);
        if unused {
            files.remove(&ino);
        }
        unused
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ino, (Arc<OpenFile>, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteHandle {
    pub(super) fn new(file: Arc<OpenFile>, opener: u32) -> Self {
        Self {
            file,
            opener,
            reader: tokio::sync::Mutex::new(None),
        }
    }
}
