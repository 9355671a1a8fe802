//! A file whose bytes are in several places: here, in stored objects, nowhere.

use std::ops::Range;
use std::sync::Arc;

use crate::object::{ETag, ObjectRef};
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::{Extents, Source};
use crate::write::job::{Assembly, Job};
use crate::write::plan::{Part, Plan, plan};
use crate::write::reading::{Piece, Reading};
use crate::write::stage::StageFile;
use crate::write::target::{Destination, Target};
use crate::write::upload::Upload;

/// Such a file.
#[derive(Debug)]
pub(super) struct Staged {
    target: Arc<Target>,
    extents: Extents,
    /// What is here, at the offsets it has in the file. Zeros elsewhere.
    stage: Option<Arc<StageFile>>,
    /// What an attempt to store the file as it is now has left, to go on from.
    upload: Option<Upload>,
}

/// What a file is after it was stored.
#[derive(Debug)]
pub(super) enum Outcome {
    /// An object, no longer here.
    Object(ETag),
    /// An object, and still here.
    Whole(ETag, PartBuffer),
}

impl Staged {
    /// A file with nothing here.
    pub(super) fn new(target: &Arc<Target>, extents: Extents) -> Self {
        Self {
            target: Arc::clone(target),
            extents,
            stage: None,
            upload: None,
        }
    }

    /// Where the file's bytes are.
    pub(super) fn extents(&self) -> &Extents {
        &self.extents
    }

    /// Whether some of its bytes are those of stored objects.
    pub(super) fn needs_objects(&self) -> bool {
        let mut extents = self.extents.all();
        extents.any(|extent| matches!(extent.source, Source::Object { .. }))
    }

    /// The object that the file is.
    pub(super) fn whole_object(&self) -> Option<&Arc<ObjectRef>> {
        self.extents.whole_object()
    }

    /// Whether a write here appends to an object that can be copied as the first parts.
    pub(super) fn grows_at(&self, offset: u64, first_part: u64) -> bool {
        let object = self.whole_object();
        object.is_some_and(|object| object.size == offset && object.size >= first_part)
    }

    /// Whether the next change has to end an upload first.
    pub(super) fn has_upload(&self) -> bool {
        self.upload.is_some()
    }

    /// About how many bytes are still to be sent.
    pub(super) fn left(&self) -> u64 {
        match (&self.upload, &self.stage) {
            (Some(upload), _) => upload.left(),
            (None, Some(stage)) => stage.held(),
            (None, None) => 0,
        }
    }

    /// Ends what an attempt to store the file has left. To be done before any change.
    pub(super) async fn abort(&mut self) {
        if let Some(upload) = self.upload.take() {
            upload.abort().await;
        }
    }

    /// Takes in what a buffer holds.
    ///
    /// # Errors
    /// There is no room for it.
    pub(super) fn put(&mut self, offset: u64, buffer: &PartBuffer) -> Result<(), WriteError> {
        buffer.each_piece(|at, bytes| self.write(offset + at, bytes))
    }

    /// Writes anywhere.
    ///
    /// # Errors
    /// There is no room for it. The file is as before.
    pub(super) fn write(&mut self, offset: u64, data: &[u8]) -> Result<(), WriteError> {
        let range = offset..offset + data.len() as u64;
        let new = data.len() as u64 - self.extents.staged(range.clone());
        if let Err(error) = self.stage()?.write(offset, data, new) {
            self.clear_around_stage(&range)?;
            return Err(error);
        }
        self.extents.set(range, Source::Stage);
        Ok(())
    }

    /// What is not in the stage must read as zeros from its file.
    fn clear_around_stage(&self, range: &Range<u64>) -> Result<(), WriteError> {
        let Some(stage) = &self.stage else {
            return Ok(());
        };
        for extent in self.extents.within(range.clone()) {
            if extent.source != Source::Stage {
                stage.clear(extent.range, 0)?;
            }
        }
        let behind = range.start.max(self.extents.length())..range.end;
        Ok(stage.clear(behind, 0)?)
    }

    fn stage(&mut self) -> Result<&Arc<StageFile>, WriteError> {
        let stage = match self.stage.take() {
            Some(stage) => stage,
            None => Arc::new(self.target.stages.create()?),
        };
        Ok(self.stage.insert(stage))
    }

    /// Cuts the file off, or extends it by a hole.
    ///
    /// # Errors
    /// The temporary file failed.
    pub(super) fn resize(&mut self, length: u64) -> Result<(), WriteError> {
        if let Some(stage) = &self.stage {
            let held = self.extents.staged(length..self.extents.length());
            stage.cut(length, held)?;
        }
        self.extents.resize(length);
        Ok(())
    }

    /// Says that a range is elsewhere from now on.
    ///
    /// # Errors
    /// The temporary file failed.
    pub(super) fn set(&mut self, range: Range<u64>, source: Source) -> Result<(), WriteError> {
        if let Some(stage) = &self.stage {
            let held = self.extents.staged(range.clone());
            if held > 0 {
                stage.clear(range.clone(), held)?;
            }
        }
        self.extents.set(range, source);
        Ok(())
    }

    /// Where the bytes of a range are.
    ///
    /// # Errors
    /// They are lost, or the temporary file failed.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Reading, WriteError> {
        let pieces = self.extents.within(range).map(|extent| {
            let (start, length) = (extent.range.start, extent.length());
            match (extent.source, &self.stage) {
                (Source::Sent, _) => Err(WriteError::Lost),
                (Source::Object { object, offset }, _) => Ok(Piece::Object {
                    object,
                    offset,
                    length,
                }),
                (Source::Stage, Some(stage)) => Ok(Piece::Bytes(stage.read(start, length)?)),
                (Source::Hole | Source::Stage, _) => Ok(Piece::Zeros(length)),
            }
        });
        Ok(Reading::Pieces(pieces.collect::<Result<_, _>>()?))
    }

    /// Stores the file.
    ///
    /// # Errors
    /// Bytes are lost, or the store failed. What has been sent is not sent again by the next
    /// attempt.
    pub(super) async fn store(&mut self, to: &Destination) -> Result<Outcome, WriteError> {
        let size = self.extents.length();
        if self.extents.has_sent(0..size) {
            return Err(WriteError::Lost);
        }
        let is_other = |upload: &Upload| *upload.key() != to.key || *upload.headers() != to.headers;
        if self.upload.as_ref().is_some_and(is_other) {
            self.abort().await;
        }
        if self.upload.is_none() {
            let may_copy = self
                .whole_object()
                .is_some_and(|object| to.may_copy(object));
            match plan(&self.extents, self.target.sizes(), may_copy) {
                Plan::Put => return self.put_whole(to).await,
                Plan::Copy(object) => return self.copy(&object, to).await,
                Plan::Parts(parts) => self.upload = Some(self.begin(parts, to)?),
            }
        }
        self.complete(to, size).await
    }

    async fn put_whole(&self, to: &Destination) -> Result<Outcome, WriteError> {
        let all = self.assembly(0..self.extents.length());
        let buffer = all.gather(&self.target).await?;
        Ok(Outcome::Whole(buffer.store(to).await?, buffer))
    }

    async fn copy(&self, object: &ObjectRef, to: &Destination) -> Result<Outcome, WriteError> {
        let store = &self.target.store;
        let copying = store.copy(&object.key, &object.etag, &to.key, Some(&to.headers));
        Ok(Outcome::Object(copying.await?))
    }

    fn begin(&mut self, parts: Vec<Part>, to: &Destination) -> Result<Upload, WriteError> {
        let mut upload = Upload::new(&self.target, to.key.clone(), to.headers.clone());
        let mut offset = 0;
        for (part, number) in parts.into_iter().zip(1..) {
            let length = part.length();
            upload.put(number, offset, self.job(part)?);
            offset += length;
        }
        Ok(upload)
    }

    fn job(&mut self, part: Part) -> Result<Job, WriteError> {
        let range = match part {
            Part::Copy { object, range } => return Ok(Job::Copy(object, range)),
            Part::Send(range) => range,
        };
        let is_here = |source: &Source| matches!(source, Source::Stage | Source::Hole);
        if self
            .extents
            .within(range.clone())
            .all(|extent| is_here(&extent.source))
        {
            return Ok(Job::SendStaged(Arc::clone(self.stage()?), range));
        }
        Ok(Job::Assemble(Arc::new(self.assembly(range))))
    }

    fn assembly(&self, range: Range<u64>) -> Assembly {
        Assembly {
            extents: self.extents.within(range).collect(),
            stage: self.stage.clone(),
        }
    }

    async fn complete(&mut self, to: &Destination, size: u64) -> Result<Outcome, WriteError> {
        let Some(upload) = &mut self.upload else {
            return Err(WriteError::Lost);
        };
        let completed = upload.complete(&to.precondition, size).await;
        if completed.as_ref().is_err_and(WriteError::is_no_upload) {
            // All that was sent is here still: the next attempt begins anew.
            upload.leave();
            self.upload = None;
        }
        Ok(Outcome::Object(completed?))
    }

    /// A stored object has another name now.
    pub(super) fn replace(&mut self, from: &ObjectRef, to: &Arc<ObjectRef>) {
        self.extents.replace(from, to);
    }

    /// Gives all that is here to `take`, in pieces with their offsets.
    ///
    /// # Errors
    /// The temporary file failed, or what `take` says.
    pub(super) fn each_piece<E: From<WriteError>>(
        &self,
        mut take: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(stage) = &self.stage else {
            return Ok(());
        };
        for extent in self.extents.all().filter(|e| e.source == Source::Stage) {
            let Range { start, end } = extent.range;
            for at in (start..end).step_by(PIECE as usize) {
                let bytes = stage
                    .read(at, PIECE.min(end - at))
                    .map_err(WriteError::from)?;
                take(at, &bytes)?;
            }
        }
        Ok(())
    }
}

/// The stage is copied in pieces of this.
const PIECE: u64 = 1 << 20;
