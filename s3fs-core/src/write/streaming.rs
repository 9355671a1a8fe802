//! File that grows at its end: full parts are sent while the next one fills.

use std::ops::Range;
use std::sync::Arc;

use crate::object::{Headers, Key, ObjectRef};
use crate::store::Precondition;
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::{ExtentSource, Extents};
use crate::write::part_body::PartBody;
use crate::write::plan::{PlannedPart, copies};
use crate::write::reading::{Piece, Reading};
use crate::write::retained_head::RetainedHead;
use crate::write::sizes::MAX_PARTS;
use crate::write::staged::Staged;
use crate::write::target::{Destination, FindDestination, Target};
use crate::write::upload::Upload;

/// File whose first parts an upload has, or will have.
#[derive(Debug)]
pub(super) struct Streaming {
    target: Arc<Target>,
    /// Sources of the bytes before the part that is being filled.
    sent: Extents,
    /// Upload, which starts when the first part is full.
    upload: Option<Upload>,
    head: RetainedHead,
    /// Part that is being filled, and its number.
    tail: PartBuffer,
    number: u16,
    /// True if the upload has the present tail.
    tail_is_put: bool,
}

impl Streaming {
    /// Creates a file that continues after the bytes of a buffer.
    pub(super) fn of_buffer(target: &Arc<Target>, buffer: PartBuffer) -> Self {
        Self::with(target, Extents::default(), buffer, 1)
    }

    /// Creates a file that continues after a stored object, whose bytes the server will copy.
    pub(super) fn after(target: &Arc<Target>, object: Arc<ObjectRef>) -> Self {
        let copies = copies(&object, target.sizes()).len();
        let number = u16::try_from(copies + 1).unwrap_or(u16::MAX);
        Self::with(target, Extents::of(object), PartBuffer::new(target), number)
    }

    fn with(target: &Arc<Target>, sent: Extents, tail: PartBuffer, number: u16) -> Self {
        Self {
            target: Arc::clone(target),
            sent,
            upload: None,
            head: RetainedHead::Gone,
            tail,
            number,
            tail_is_put: false,
        }
    }

    /// Returns the file's size in bytes.
    pub(super) fn length(&self) -> u64 {
        self.base() + self.tail.length()
    }

    /// Returns the offset of the part that is being filled.
    pub(super) fn base(&self) -> u64 {
        self.sent.length()
    }

    fn part_size(&self) -> u64 {
        self.target.sizes().part(self.number)
    }

    /// Returns whether the file keeps streaming after a write at `offset`, or a resize to it.
    pub(super) fn reaches(&self, offset: u64) -> bool {
        (self.base()..=self.base() + self.part_size()).contains(&offset)
    }

    /// Returns whether bytes before `end` can neither be read nor changed until the upload is
    /// completed. Pins the head.
    pub(super) fn needs_completion(&mut self, end: u64) -> bool {
        self.head.pin();
        let head = self.head.get().map_or(0, |head| head.length());
        self.sent.has_sent(head..end)
    }

    /// Returns the number of bytes still to be sent.
    pub(super) fn unsent_bytes(&self) -> u64 {
        let upload = self.upload.as_ref().map_or(0, Upload::unsent_bytes);
        let tail = if self.tail_is_put {
            0
        } else {
            self.tail.length()
        };
        upload + tail + self.head.unsent_bytes()
    }

    /// Returns whether an upload is under way.
    pub(super) fn has_upload(&self) -> bool {
        self.upload.is_some()
    }

    /// Returns the upload.
    pub(super) fn upload(&self) -> Option<&Upload> {
        self.upload.as_ref()
    }

    /// Returns the whole file, if nothing of it has been sent.
    pub(super) fn unsent(&self) -> Option<PartBuffer> {
        let is_all = self.upload.is_none() && self.base() == 0;
        is_all.then(|| self.tail.clone())
    }

    /// Returns the retained head, if it has at least `length` bytes.
    pub(super) fn beginning(&self, length: u64) -> Option<PartBuffer> {
        self.head.get().filter(|head| head.length() >= length)
    }

    /// Writes if that needs no waiting; returns whether it did.
    pub(super) fn try_write(&mut self, offset: u64, data: &[u8]) -> Result<bool, WriteError> {
        let end = offset + data.len() as u64;
        if self.reaches(offset) && self.reaches(end) && !data.is_empty() {
            let at = offset - self.base();
            self.tail_is_put = false;
            self.tail.write_at(at, data)?;
            return Ok(true);
        }
        self.head.change(end, |head| head.write_at(offset, data))
    }

    /// Writes where the file [`reaches`](Self::reaches), waiting for the upload where necessary.
    /// After a failure, the first bytes may have been written.
    pub(super) async fn write(
        &mut self,
        at: &dyn FindDestination,
        offset: u64,
        data: &[u8],
    ) -> Result<(), WriteError> {
        let (mut offset, mut data) = (offset, data);
        while !data.is_empty() {
            if offset == self.base() + self.part_size() {
                self.send_tail(at).await?;
            }
            let in_part = offset - self.base();
            let room = usize::try_from(self.part_size() - in_part).unwrap_or(usize::MAX);
            let (now, later) = data.split_at(room.min(data.len()));
            self.tail_is_put = false;
            self.tail.write_at(in_part, now)?;
            offset += now.len() as u64;
            data = later;
        }
        // A full part leaves at once if it can; else the next write waits, as this one is done.
        if self.tail.length() == self.part_size() && self.begin(at)?.push().is_ok_and(|room| room) {
            self.send_tail(at).await?;
        }
        Ok(())
    }

    /// Hands the full part to the upload.
    async fn send_tail(&mut self, at: &dyn FindDestination) -> Result<(), WriteError> {
        if self.number > MAX_PARTS {
            return Err(WriteError::TooLarge);
        }
        self.begin(at)?.make_room().await?;
        self.tail.resize(self.part_size())?;
        let full = std::mem::replace(&mut self.tail, PartBuffer::new(&self.target));
        let (number, offset, end) = (self.number, self.base(), self.length() + full.length());
        let upload = self.begin(at)?;
        upload.put(number, offset, PartBody::Send(full.clone()));
        // What failed is not forgotten: it is queued again.
        let _ = upload.push();
        if number == 1 {
            self.head = RetainedHead::keep(full, &self.target.budget);
        }
        self.sent.set(offset..end, ExtentSource::Sent);
        self.number += 1;
        self.tail_is_put = false;
        Ok(())
    }

    /// Returns the upload; starts it at the file's present destination if there is none.
    fn begin(&mut self, at: &dyn FindDestination) -> Result<&mut Upload, WriteError> {
        let upload = match self.upload.take() {
            Some(upload) => upload,
            None => self.begun(&at.destination().ok_or(WriteError::Deleted)?),
        };
        Ok(self.upload.insert(upload))
    }

    fn begun(&self, to: &Destination) -> Upload {
        let mut upload = Upload::new(&self.target, to.key.clone(), to.headers.clone());
        let Some(object) = self.sent.whole_object() else {
            return upload;
        };
        let mut offset = 0;
        for (part, number) in copies(object, self.target.sizes()).into_iter().zip(1..) {
            let length = part.length();
            if let PlannedPart::Copy { object, range } = part {
                upload.put(number, offset, PartBody::Copy(object, range));
            }
            offset += length;
        }
        upload
    }

    /// Truncates or extends with zeros, within the part that is being filled.
    pub(super) fn resize(&mut self, length: u64) -> Result<(), WriteError> {
        self.tail_is_put = false;
        self.tail.resize(length - self.base())
    }

    /// Overwrites a range with zeros, if it is held here; returns whether it is.
    pub(super) fn punch(&mut self, range: &Range<u64>) -> Result<bool, WriteError> {
        let length = range.end - range.start;
        if range.start >= self.base() {
            self.tail_is_put = false;
            self.tail.zero(range.start - self.base(), length)?;
            return Ok(true);
        }
        self.head
            .change(range.end, |head| head.zero(range.start, length))
    }

    /// Reads a range: bytes held here, and references to stored objects.
    pub(super) fn read(&self, range: &Range<u64>) -> Result<Reading, WriteError> {
        let head = self.head.get();
        let mut pieces = Vec::new();
        for extent in self.sent.within(range.clone()) {
            let (start, length) = (extent.range.start, extent.length());
            match (extent.source, &head) {
                (ExtentSource::Object { object, offset }, _) => pieces.push(Piece::Object {
                    object,
                    offset,
                    length,
                }),
                (_, Some(head)) if extent.range.end <= head.length() => {
                    pieces.push(Piece::Bytes(head.read_at(start, length)?));
                }
                _ => return Ok(Reading::NotReadable),
            }
        }
        let start = range.start.max(self.base());
        if start < range.end {
            let bytes = self.tail.read_at(start - self.base(), range.end - start)?;
            pieces.push(Piece::Bytes(bytes));
        }
        Ok(Reading::Pieces(pieces))
    }

    /// Returns the key of the object that the file becomes. It is fixed once an upload has started.
    pub(super) fn key<'a>(&'a self, to: &'a Destination) -> &'a Key {
        self.upload.as_ref().map_or(&to.key, Upload::key)
    }

    /// Returns the headers of the object that the file becomes. They are fixed once an upload has
    /// started.
    pub(super) fn headers<'a>(&'a self, to: &'a Destination) -> &'a Headers {
        self.upload.as_ref().map_or(&to.headers, Upload::headers)
    }

    /// Sends the remaining bytes and completes the upload. Returns the object and its headers.
    ///
    /// # Errors
    /// Fails if a part or the completion fails; both can be retried.
    pub(super) async fn complete(
        &mut self,
        to: &Destination,
        precondition: &Precondition,
    ) -> Result<(ObjectRef, Headers), WriteError> {
        let (size, base) = (self.length(), self.base());
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => self.begun(to),
        };
        if let Some(head) = self.head.take_unsent() {
            upload.put(1, 0, PartBody::Send(head));
        }
        if !std::mem::replace(&mut self.tail_is_put, true) {
            match self.tail.length() {
                0 => upload.remove(self.number),
                _ => upload.put(self.number, base, PartBody::Send(self.tail.clone())),
            }
        }
        let upload = self.upload.insert(upload);
        let (key, headers) = (upload.key().clone(), upload.headers().clone());
        let etag = upload.complete(precondition, size).await?;
        Ok((ObjectRef { key, etag, size }, headers))
    }

    /// Returns the buffers held here, with their offsets. Later buffers override earlier ones.
    pub(super) fn held(&self) -> Vec<(u64, PartBuffer)> {
        let in_upload = self.upload.iter().flat_map(Upload::held);
        // What the upload has of the tail is not newer than the tail.
        let sent = in_upload.filter(|(offset, _)| *offset < self.base());
        let mut held: Vec<_> = sent.collect();
        held.extend(self.head.get().map(|head| (0, head)));
        held.push((self.base(), self.tail.clone()));
        held
    }

    /// Converts the file to a staged one without its upload. Bytes that only the upload has are
    /// lost.
    ///
    /// # Errors
    /// Fails if there is no room for the bytes held here.
    pub(super) fn to_staged(&self) -> Result<Staged, WriteError> {
        let mut staged = Staged::new(&self.target, self.extents());
        for (offset, buffer) in self.held() {
            staged.put(offset, &buffer)?;
        }
        Ok(staged)
    }

    /// Does the same as [`to_staged`](Self::to_staged), but also loses bytes for which there is no
    /// room.
    pub(super) fn to_staged_as_far_as_possible(&self) -> Staged {
        let mut staged = Staged::new(&self.target, self.extents());
        for (offset, buffer) in self.held() {
            if let Err(error) = staged.put(offset, &buffer) {
                tracing::warn!(%error, "failed to stage bytes of a file: they are lost");
            }
        }
        staged
    }

    /// Returns the sources of all bytes of the file; the tail counts as sent.
    pub(super) fn extents(&self) -> Extents {
        let mut extents = self.sent.clone();
        extents.set(self.base()..self.length(), ExtentSource::Sent);
        extents
    }

    /// Returns the upload, if there is one.
    pub(super) fn upload_mut(&mut self) -> Option<&mut Upload> {
        self.upload.as_mut()
    }

    /// Aborts the upload.
    pub(super) async fn abort(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.abort().await;
        }
    }

    /// Updates references to a stored object that was renamed.
    pub(super) fn replace(&mut self, from: &ObjectRef, to: &Arc<ObjectRef>) {
        self.sent.replace(from, to);
        if let Some(upload) = &mut self.upload {
            upload.replace(from, to);
        }
    }
}
