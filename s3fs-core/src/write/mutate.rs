//! Mutation of a file's bytes.

use std::ops::Range;
use std::sync::Arc;

use crate::object::ObjectRef;
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::ExtentSource;
use crate::write::file_state::{FileState, Phase};
use crate::write::sizes::MAX_OBJECT;

impl FileState {
    /// Writes if that needs no waiting; returns whether it did.
    pub(super) fn try_write(&mut self, offset: u64, data: &[u8]) -> Result<bool, WriteError> {
        let end = end(offset, data.len() as u64)?;
        let first = self.first_part();
        let done = match &mut self.phase {
            Phase::Whole(buffer) if end <= first => {
                buffer.write_at(offset, data)?;
                true
            }
            Phase::Whole(_) => false,
            Phase::Streaming(streaming) => streaming.try_write(offset, data)?,
            // Perhaps it streams from now on.
            Phase::Staged(staged) if staged.has_upload() || staged.grows_at(offset, first) => false,
            Phase::Staged(staged) => {
                staged.write(offset, data)?;
                true
            }
        };
        self.dirty |= done;
        if done {
            self.missed.written(&(offset..end));
        }
        Ok(done)
    }

    /// Writes at an offset, waiting for the store where necessary.
    pub(super) async fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), WriteError> {
        end(offset, data.len() as u64)?;
        if data.is_empty() {
            return Ok(());
        }
        let mut written = self.try_to_write(offset, data).await;
        if matches!(written, Err(WriteError::Deleted)) {
            // Deleted while it was written: what is written stays here.
            self.orphan().await;
            written = self.try_to_write(offset, data).await;
        }
        self.dirty = true;
        if written.as_ref().is_err_and(WriteError::is_no_upload) {
            self.lose();
            return Err(WriteError::Lost);
        }
        if written.is_ok() {
            let end = offset + data.len() as u64;
            self.missed.written(&(offset..end));
        }
        written
    }

    /// Records that bytes of mapped pages were refused. The kernel does not write them again.
    pub(super) fn miss(&mut self, range: Range<u64>, cause: WriteError) {
        self.dirty = true;
        self.missed.add(range, cause);
    }

    async fn try_to_write(&mut self, offset: u64, data: &[u8]) -> Result<(), WriteError> {
        let end = offset + data.len() as u64;
        let (first, may_stream) = (self.first_part(), self.may_stream());
        match &mut self.phase {
            Phase::Whole(buffer) if end <= first => return buffer.write_at(offset, data),
            Phase::Whole(buffer) if offset <= buffer.length() && may_stream => self.stream(),
            Phase::Staged(staged) if staged.grows_at(offset, first) && may_stream => {
                staged.abort().await;
                self.stream();
            }
            Phase::Streaming(streaming) => {
                if streaming.try_write(offset, data)? {
                    return Ok(());
                }
            }
            Phase::Whole(_) | Phase::Staged(_) => {}
        }
        match &mut self.phase {
            Phase::Streaming(streaming) if streaming.reaches(offset) => {
                streaming.write(&*self.at, offset, data).await
            }
            _ => self.stage(u64::MAX).await?.write(offset, data),
        }
    }

    /// Truncates the file, or extends it with zeros.
    pub(super) async fn resize(&mut self, length: u64) -> Result<(), WriteError> {
        let resized = self.try_to_resize(length).await;
        if resized.is_ok() {
            self.missed.written(&(length..u64::MAX));
        }
        resized
    }

    async fn try_to_resize(&mut self, length: u64) -> Result<(), WriteError> {
        let before = self.phase.length();
        if length > MAX_OBJECT {
            return Err(WriteError::TooLarge);
        }
        // The time of the last change is stored, even where no byte changes.
        self.dirty = true;
        if length == before && length > 0 {
            return Ok(());
        }
        if length == 0 {
            let empty = PartBuffer::new(&self.target);
            self.become_phase(Phase::Whole(empty)).await;
            return Ok(());
        }
        let first = self.first_part();
        match &mut self.phase {
            Phase::Whole(buffer) if length <= first => return buffer.resize(length),
            Phase::Streaming(streaming) if streaming.reaches(length) => {
                return streaming.resize(length);
            }
            Phase::Streaming(streaming) => {
                if let Some(mut beginning) = streaming.beginning(length) {
                    beginning.resize(length)?;
                    self.become_phase(Phase::Whole(beginning)).await;
                    return Ok(());
                }
            }
            Phase::Whole(_) | Phase::Staged(_) => {}
        }
        let resized = self.stage(length).await?.resize(length);
        self.dirty = true;
        resized
    }

    /// Overwrites a range with zeros; the length stays.
    pub(super) async fn punch(&mut self, range: Range<u64>) -> Result<(), WriteError> {
        let range = range.start..range.end.min(self.phase.length());
        if range.is_empty() {
            return Ok(());
        }
        let punched = self.try_to_punch(range.clone()).await;
        if punched.is_ok() {
            self.missed.written(&range);
        }
        punched
    }

    async fn try_to_punch(&mut self, range: Range<u64>) -> Result<(), WriteError> {
        self.dirty = true;
        match &mut self.phase {
            Phase::Whole(buffer) => return buffer.zero(range.start, range.end - range.start),
            Phase::Streaming(streaming) => {
                if streaming.punch(&range)? {
                    return Ok(());
                }
            }
            Phase::Staged(_) => {}
        }
        let punched = self.stage(u64::MAX).await?.set(range, ExtentSource::Hole);
        self.dirty = true;
        punched
    }

    /// Replaces a range of the file with bytes of a stored object.
    pub(super) async fn copy_range(
        &mut self,
        offset: u64,
        (object, source): (Arc<ObjectRef>, u64),
        length: u64,
    ) -> Result<(), WriteError> {
        let range = offset..end(offset, length)?;
        if range.is_empty() {
            return Ok(());
        }
        let from = ExtentSource::Object {
            object,
            offset: source,
        };
        let copied = self.stage(u64::MAX).await?.set(range.clone(), from);
        self.dirty = true;
        if copied.is_ok() {
            self.missed.written(&range);
        }
        copied
    }
}

/// Returns the end of a range of `length` bytes at `offset`.
fn end(offset: u64, length: u64) -> Result<u64, WriteError> {
    let end = offset.checked_add(length).filter(|end| *end <= MAX_OBJECT);
    end.ok_or(WriteError::TooLarge)
}
