//! A file that grows at its end: full parts leave while the next one fills.

use std::ops::Range;
use std::sync::Arc;

use crate::object::{Headers, Key, ObjectRef};
use crate::store::Precondition;
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::{Extents, Source};
use crate::write::head::Head;
use crate::write::job::Job;
use crate::write::plan::{Part, copies};
use crate::write::reading::{Piece, Reading};
use crate::write::sizes::MAX_PARTS;
use crate::write::staged::Staged;
use crate::write::target::{Destination, Place, Target};
use crate::write::upload::Upload;

/// A file of which an upload has the beginning, or will have.
#[derive(Debug)]
pub(super) struct Streaming {
    target: Arc<Target>,
    /// The file up to the part that is being filled.
    sent: Extents,
    /// Begins when the first part is full.
    upload: Option<Upload>,
    head: Head,
    /// The part that is being filled, and its number.
    tail: PartBuffer,
    number: u16,
    /// The upload has the tail as it is now.
    tail_is_put: bool,
}

impl Streaming {
    /// Goes on after what a buffer holds.
    pub(super) fn of_buffer(target: &Arc<Target>, buffer: PartBuffer) -> Self {
        Self::with(target, Extents::default(), buffer, 1)
    }

    /// Goes on after a stored object, whose bytes the server will copy.
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
            head: Head::Gone,
            tail,
            number,
            tail_is_put: false,
        }
    }

    /// The file's size in bytes.
    pub(super) fn length(&self) -> u64 {
        self.base() + self.tail.length()
    }

    /// Where the part begins that is being filled.
    pub(super) fn base(&self) -> u64 {
        self.sent.length()
    }

    fn part_size(&self) -> u64 {
        self.target.sizes().part(self.number)
    }

    /// Whether a write that begins here, or a file that ends here, keeps the file streaming.
    pub(super) fn reaches(&self, offset: u64) -> bool {
        (self.base()..=self.base() + self.part_size()).contains(&offset)
    }

    /// Whether bytes before `end` can neither be read nor changed, unless the upload is completed. What
    /// is here stays here.
    pub(super) fn needs_completion(&mut self, end: u64) -> bool {
        self.head.pin();
        let head = self.head.get().map_or(0, |head| head.length());
        self.sent.has_sent(head..end)
    }

    /// How many bytes are still to be sent.
    pub(super) fn left(&self) -> u64 {
        let upload = self.upload.as_ref().map_or(0, Upload::left);
        let tail = if self.tail_is_put {
            0
        } else {
            self.tail.length()
        };
        upload + tail + self.head.left()
    }

    /// Whether an upload is under way.
    pub(super) fn has_upload(&self) -> bool {
        self.upload.is_some()
    }

    /// The whole file, if nothing of it has been sent.
    pub(super) fn unsent(&self) -> Option<PartBuffer> {
        let is_all = self.upload.is_none() && self.base() == 0;
        is_all.then(|| self.tail.clone())
    }

    /// The first bytes, if they are here and no fewer than `length`.
    pub(super) fn beginning(&self, length: u64) -> Option<PartBuffer> {
        self.head.get().filter(|head| head.length() >= length)
    }

    /// Writes, if that needs no waiting; says whether it did.
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

    /// Writes where the file [`reaches`](Self::reaches), waiting for the upload where it must. After
    /// a failure, the first bytes may have been written.
    pub(super) async fn write(
        &mut self,
        at: &dyn Place,
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

    /// Sends the full part on its way.
    async fn send_tail(&mut self, at: &dyn Place) -> Result<(), WriteError> {
        if self.number > MAX_PARTS {
            return Err(WriteError::TooLarge);
        }
        self.begin(at)?.make_room().await?;
        self.tail.resize(self.part_size())?;
        let full = std::mem::replace(&mut self.tail, PartBuffer::new(&self.target));
        let (number, offset, end) = (self.number, self.base(), self.length() + full.length());
        let upload = self.begin(at)?;
        upload.put(number, offset, Job::Send(full.clone()));
        // What failed is not forgotten: it is queued again.
        let _ = upload.push();
        if number == 1 {
            self.head = Head::keep(full, &self.target.budget);
        }
        self.sent.set(offset..end, Source::Sent);
        self.number += 1;
        self.tail_is_put = false;
        Ok(())
    }

    /// The upload, which begins where the file belongs now.
    fn begin(&mut self, at: &dyn Place) -> Result<&mut Upload, WriteError> {
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
            if let Part::Copy { object, range } = part {
                upload.put(number, offset, Job::Copy(object, range));
            }
            offset += length;
        }
        upload
    }

    /// Writes zeros or cuts off or extends within the part that is being filled.
    pub(super) fn resize(&mut self, length: u64) -> Result<(), WriteError> {
        self.tail_is_put = false;
        self.tail.resize(length - self.base())
    }

    /// Makes a range zeros, if it is here; says whether it is.
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

    /// Where the bytes of a range are.
    pub(super) fn read(&self, range: &Range<u64>) -> Result<Reading, WriteError> {
        let head = self.head.get();
        let mut pieces = Vec::new();
        for extent in self.sent.within(range.clone()) {
            let (start, length) = (extent.range.start, extent.length());
            match (extent.source, &head) {
                (Source::Object { object, offset }, _) => pieces.push(Piece::Object {
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

    /// The key of the object that the file becomes. An upload that has begun can become no other.
    pub(super) fn key<'a>(&'a self, to: &'a Destination) -> &'a Key {
        self.upload.as_ref().map_or(&to.key, Upload::key)
    }

    /// The headers of the object that the file becomes: those of when its upload began.
    pub(super) fn headers<'a>(&'a self, to: &'a Destination) -> &'a Headers {
        self.upload.as_ref().map_or(&to.headers, Upload::headers)
    }

    /// Sends what is left and makes all of it an object. Returns that and what it was stored with.
    ///
    /// # Errors
    /// A part or the completion failed; both can be tried again.
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
            upload.put(1, 0, Job::Send(head));
        }
        if !std::mem::replace(&mut self.tail_is_put, true) {
            match self.tail.length() {
                0 => upload.remove(self.number),
                _ => upload.put(self.number, base, Job::Send(self.tail.clone())),
            }
        }
        let upload = self.upload.insert(upload);
        let (key, headers) = (upload.key().clone(), upload.headers().clone());
        let etag = upload.complete(precondition, size).await?;
        Ok((ObjectRef { key, etag, size }, headers))
    }

    /// What is here of the file, with its offsets; what comes later replaces what comes before.
    pub(super) fn held(&self) -> Vec<(u64, PartBuffer)> {
        let in_upload = self.upload.iter().flat_map(Upload::held);
        // What the upload has of the tail is not newer than the tail.
        let sent = in_upload.filter(|(offset, _)| *offset < self.base());
        let mut held: Vec<_> = sent.collect();
        held.extend(self.head.get().map(|head| (0, head)));
        held.push((self.base(), self.tail.clone()));
        held
    }

    /// The same file without its upload. What is not here is lost, unless an object has it.
    ///
    /// # Errors
    /// There is no room for what is here.
    pub(super) fn to_staged(&self) -> Result<Staged, WriteError> {
        let mut staged = Staged::new(&self.target, self.extents());
        for (offset, buffer) in self.held() {
            staged.put(offset, &buffer)?;
        }
        Ok(staged)
    }

    /// Fails like [`to_staged`](Self::to_staged); what finds no room is lost too.
    pub(super) fn to_staged_as_far_as_possible(&self) -> Staged {
        let mut staged = Staged::new(&self.target, self.extents());
        for (offset, buffer) in self.held() {
            if let Err(error) = staged.put(offset, &buffer) {
                tracing::warn!(%error, "bytes of a file are lost");
            }
        }
        staged
    }

    /// All of the file, with what is here as if it were sent.
    pub(super) fn extents(&self) -> Extents {
        let mut extents = self.sent.clone();
        extents.set(self.base()..self.length(), Source::Sent);
        extents
    }

    /// The upload, if there is one.
    pub(super) fn upload_mut(&mut self) -> Option<&mut Upload> {
        self.upload.as_mut()
    }

    /// Ends the upload.
    pub(super) async fn abort(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.abort().await;
        }
    }

    /// A stored object has another name now.
    pub(super) fn replace(&mut self, from: &ObjectRef, to: &Arc<ObjectRef>) {
        self.sent.replace(from, to);
        if let Some(upload) = &mut self.upload {
            upload.replace(from, to);
        }
    }
}
