//! Ranges of files: zeroing, reserving, and copying from one file to another.

use std::sync::Arc;

use crate::fs::handles::Handle;
use crate::fs::open_files::WriteHandle;
use crate::fs::{Fs, FsError, HandleId};
use crate::object::{ByteRange, ObjectRef};
use crate::tree::Ino;
use crate::write::WriteError;

/// Minimum length in bytes of a copy that the server makes, since a part of an upload is not
/// smaller. Shorter copies are read and written.
const WORTH_A_REQUEST: u64 = 8 << 20;

/// Maximum number of bytes per copy that this process reads and writes.
const PIECE: u64 = 1 << 20;

/// Maximum number of bytes per copy, since the kernel counts them in 32 bits.
const MOST: u64 = 1 << 30;

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
        let _change = self.core.begin_change()?;
        let handle = self.writing(handle)?;
        let writer = &handle.file.writer;
        let end = offset
            .checked_add(length)
            .ok_or(FsError::Write(WriteError::TooLarge))?;
        let size = writer.length();
        let zeroes = matches!(how, Allocate::Punch | Allocate::Zero) && offset < size;
        let extends = matches!(how, Allocate::Extend | Allocate::Zero) && end > size;
        let unmoved = self.writeback.hold_folders().await;
        if zeroes {
            writer.punch(offset, length.min(size - offset)).await?;
        }
        if extends {
            writer.resize(end).await?;
        }
        drop(unmoved);
        // A time that changes alone would not be stored.
        if zeroes || extends {
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
        let _change = self.core.begin_change()?;
        let to_handle = self.writing(to)?;
        let source = match self.handles.get(from)? {
            Handle::Read(handle) => handle.ino,
            Handle::Write(handle) => handle.file.ino,
            Handle::Dir(_) => return Err(FsError::BadHandle),
        };
        let size = self.core.file(source).map_or(0, |file| file.size);
        let length = length.min(size.saturating_sub(from_offset)).min(MOST);
        if length == 0 {
            return Ok(0);
        }
        if length >= WORTH_A_REQUEST
            && let Some(object) = self.whole_object(source)
        {
            self.copy_by_server(&to_handle, to_offset, object, from_offset, length)
                .await?;
            return Ok(length);
        }
        let Some(piece) = ByteRange::at(from_offset, length.min(PIECE)) else {
            return Ok(0);
        };
        let bytes = self.read(from, piece).await?;
        self.write(to, to_offset, &bytes).await?;
        Ok(bytes.len() as u64)
    }

    /// Returns the object of a file, if the file has no changes that are not stored.
    fn whole_object(&self, ino: Ino) -> Option<ObjectRef> {
        if self
            .core
            .open_files
            .get(ino)
            .is_some_and(|file| !file.writer.is_stored())
        {
            return None;
        }
        let file = self.core.file(ino)?;
        Some(ObjectRef {
            key: self.core.key_of(ino).ok()?,
            etag: file.etag?,
            size: file.size,
        })
    }

    async fn copy_by_server(
        &self,
        to: &WriteHandle,
        offset: u64,
        object: ObjectRef,
        from: u64,
        length: u64,
    ) -> Result<(), FsError> {
        // Recorded first, so that the object stays from now on.
        self.writeback
            .note_copied_range(to.file.ino, object.key.clone());
        let unmoved = self.writeback.hold_folders().await;
        let copied = to
            .file
            .writer
            .copy_range(offset, Arc::new(object), from, length)
            .await;
        drop(unmoved);
        let written = self.written_through(to);
        copied?;
        written
    }
}
