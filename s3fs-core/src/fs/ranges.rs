//! Ranges of files: zeroing, reserving, and copying from one file to another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fs::handles::Handle;
use crate::fs::open_files::WriteHandle;
use crate::fs::{Fs, FsError, HandleId};
use crate::object::{Key, ObjectRef};
use crate::tree::Ino;
use crate::write::WriteError;

/// Minimum length in bytes of a copy that the server makes, since a part of an upload is not
/// smaller. Shorter copies are read and written.
const WORTH_GRAFTING: u64 = 8 << 20;

/// Maximum number of bytes per copy that this process reads and writes.
const PIECE: u64 = 1 << 20;

/// Maximum number of bytes per copy, since the kernel counts them in 32 bits.
const MOST: u64 = 1 << 30;

/// Files not stored yet that contain copied ranges of other objects. Those objects must stay until
/// then.
#[derive(Debug, Default)]
pub(super) struct Grafts(Mutex<Vec<(Ino, Key)>>);

impl Grafts {
    fn note(&self, ino: Ino, from: Key) {
        let mut grafts = self.lock();
        if !grafts.contains(&(ino, from.clone())) {
            grafts.push((ino, from));
        }
    }

    /// Removes a file that was stored.
    pub(super) fn stored(&self, ino: Ino) {
        self.lock().retain(|(of, _)| *of != ino);
    }

    /// Takes out the files with copied ranges of objects whose keys have this prefix, except the
    /// file `except`.
    fn take(&self, prefix: &str, except: Ino) -> Vec<(Ino, Key)> {
        let mut grafts = self.lock();
        grafts
            .extract_if(.., |(ino, key)| {
                *ino != except && key.as_str().starts_with(prefix)
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Ino, Key)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Operation of `fallocate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocate {
    /// Extend the file to the end of the range.
    Extend,
    /// Reserve space; nothing to do, since S3 always has enough.
    Reserve,
    /// Zero the range; the size stays.
    Punch,
    /// Zero the range, and extend the file to its end.
    Zero,
}

impl Fs {
    /// Zeroes a range of a file, or extends the file to its end.
    ///
    /// # Errors
    /// Same errors as [`write`](Self::write).
    pub async fn allocate(
        &self,
        handle: HandleId,
        offset: u64,
        length: u64,
        how: Allocate,
    ) -> Result<(), FsError> {
        let _change = self.gate.enter()?;
        let handle = self.writing(handle)?;
        let writer = &handle.file.writer;
        let end = offset
            .checked_add(length)
            .ok_or(FsError::Write(WriteError::TooLarge))?;
        let size = writer.length();
        let unmoved = self.moving.read().await;
        if matches!(how, Allocate::Punch | Allocate::Zero) && offset < size {
            writer.punch(offset, length.min(size - offset)).await?;
        }
        if matches!(how, Allocate::Extend | Allocate::Zero) && end > size {
            writer.resize(end).await?;
        }
        drop(unmoved);
        if how != Allocate::Reserve {
            self.written_through(&handle)?;
        }
        Ok(())
    }

    /// Copies bytes from one open file to another, by a copy of the server where possible. Returns
    /// the number of bytes copied.
    ///
    /// # Errors
    /// Same errors as [`read`](Self::read) and [`write`](Self::write).
    pub async fn copy_range(
        &self,
        from: HandleId,
        from_offset: u64,
        to: HandleId,
        to_offset: u64,
        length: u64,
    ) -> Result<u64, FsError> {
        let _change = self.gate.enter()?;
        let to_handle = self.writing(to)?;
        let source = match self.handles.get(from)? {
            Handle::Read(handle) => handle.ino,
            Handle::Write(handle) => handle.file.ino,
            Handle::Dir(_) => return Err(FsError::BadHandle),
        };
        let size = self.file(source).map_or(0, |file| file.size);
        let length = length.min(size.saturating_sub(from_offset)).min(MOST);
        if length == 0 {
            return Ok(0);
        }
        if length >= WORTH_GRAFTING
            && let Some(object) = self.whole_object(source)
        {
            self.graft(&to_handle, to_offset, object, from_offset, length)
                .await?;
            return Ok(length);
        }
        let piece = length.min(PIECE);
        let bytes = self.read(from, from_offset, piece).await?;
        self.write(to, to_offset, &bytes).await?;
        Ok(bytes.len() as u64)
    }

    /// Stores the files that contain copied ranges of an object, before the object is deleted or
    /// changed. A `prefix` that ends in `/` means all objects below it.
    pub(super) async fn store_grafts(&self, prefix: &str, except: Ino) -> Result<(), FsError> {
        let mut stored = Ok(());
        // Taken out first: files may contain ranges of each other.
        for (ino, from) in self.grafts.take(prefix, except) {
            let file = self.open_files.get(ino);
            let key = self.key_of(ino);
            if let (Some(_), Ok(key)) = (file, key)
                && let Err(error) = self.store_file(&key, ino).await
            {
                self.grafts.note(ino, from);
                stored = Err(error);
            }
        }
        stored
    }

    /// Returns the object of a file, if the file has no changes that are not stored.
    fn whole_object(&self, ino: Ino) -> Option<ObjectRef> {
        if self
            .open_files
            .get(ino)
            .is_some_and(|file| !file.writer.is_stored())
        {
            return None;
        }
        let file = self.file(ino)?;
        Some(ObjectRef {
            key: self.key_of(ino).ok()?,
            etag: file.etag?,
            size: file.size,
        })
    }

    async fn graft(
        &self,
        to: &WriteHandle,
        offset: u64,
        object: ObjectRef,
        from: u64,
        length: u64,
    ) -> Result<(), FsError> {
        // Recorded first, so that the object stays from now on.
        self.grafts.note(to.file.ino, object.key.clone());
        let unmoved = self.moving.read().await;
        let grafted = to
            .file
            .writer
            .graft(offset, Arc::new(object), from, length)
            .await;
        drop(unmoved);
        let written = self.written_through(to);
        grafted?;
        written
    }
}
