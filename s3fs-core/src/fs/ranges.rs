//! Ranges of files: made empty, reserved, copied from one file to another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fs::handles::Handle;
use crate::fs::open_files::WriteHandle;
use crate::fs::{Fs, FsError, HandleId};
use crate::object::{Key, ObjectRef};
use crate::tree::Ino;
use crate::write::WriteError;

/// A copy of fewer bytes is read and written: a part of an upload is not smaller.
const WORTH_GRAFTING: u64 = 8 << 20;

/// So much is copied at once where it goes through here.
const PIECE: u64 = 1 << 20;

/// The kernel counts what was copied in 32 bits.
const MOST: u64 = 1 << 30;

/// Files that have yet to be stored with bytes of other objects, which must stay until then.
#[derive(Debug, Default)]
pub(super) struct Grafts(Mutex<Vec<(Ino, Key)>>);

impl Grafts {
    fn note(&self, ino: Ino, from: Key) {
        let mut grafts = self.lock();
        if !grafts.contains(&(ino, from.clone())) {
            grafts.push((ino, from));
        }
    }

    /// The file is stored.
    pub(super) fn stored(&self, ino: Ino) {
        self.lock().retain(|(of, _)| *of != ino);
    }

    /// Takes out the files with bytes of objects whose keys begin so, but for one.
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

/// What `fallocate` is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocate {
    /// The file is at least so long.
    Extend,
    /// Room for bytes that may come: S3 has always enough.
    Reserve,
    /// Zeros; the size stays.
    Punch,
    /// Zeros; the file is at least so long.
    Zero,
}

impl Fs {
    /// Makes a range of a file zeros, or the file long enough for it.
    ///
    /// # Errors
    /// As [`write`](Self::write).
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
            self.written(&handle.file);
        }
        Ok(())
    }

    /// Copies bytes from one open file to another, within the bucket where it can be; returns how many.
    ///
    /// # Errors
    /// As [`read`](Self::read) and [`write`](Self::write).
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

    /// Before an object goes or changes: stores the files that have bytes of it. With a `prefix` ending in
    /// `/`, before all below it do.
    pub(super) async fn store_grafts(&self, prefix: &str, except: Ino) -> Result<(), FsError> {
        let mut stored = Ok(());
        // Taken out first: files may have bytes of each other.
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

    /// The object that a file is, if nothing of it is newer here.
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
        // Noted before, so that the object stays from now on.
        self.grafts.note(to.file.ino, object.key.clone());
        let unmoved = self.moving.read().await;
        let grafted = to
            .file
            .writer
            .graft(offset, Arc::new(object), from, length)
            .await;
        drop(unmoved);
        self.written(&to.file);
        Ok(grafted?)
    }
}
