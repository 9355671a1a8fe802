//! File state of a writer, and the transitions between its phases.

use std::sync::Arc;

use crate::object::{Headers, ObjectRef};
use crate::write::attempts::Attempts;
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::Extents;
use crate::write::missed::Missed;
use crate::write::staged::Staged;
use crate::write::streaming::Streaming;
use crate::write::target::{FindDestination, Target};

/// State of a writer, behind its lock.
#[derive(Debug)]
pub(super) struct FileState {
    pub(super) target: Arc<Target>,
    pub(super) at: Arc<dyn FindDestination>,
    pub(super) phase: Phase,
    /// True if the bucket lacks some change of the file.
    pub(super) dirty: bool,
    /// Object stored last, by this writer or before it, with its headers.
    pub(super) stored: Option<(ObjectRef, Headers)>,
    /// True once the file was deleted: nothing is stored any more.
    pub(super) is_orphan: bool,
    /// Objects of completed uploads whose file had been renamed meanwhile.
    pub(super) leftovers: Vec<ObjectRef>,
    /// Attempts to store the file whose outcome is unknown.
    pub(super) attempts: Attempts,
    /// Ranges of mapped pages that were refused.
    pub(super) missed: Missed,
}

/// Location of the file's bytes.
#[derive(Debug)]
pub(super) enum Phase {
    /// Single buffer with all bytes, no larger than a first part.
    Whole(PartBuffer),
    /// Upload in progress, as the file grows at its end.
    Streaming(Streaming),
    /// Several sources: the stage, stored objects, and holes.
    Staged(Staged),
}

impl Phase {
    /// Returns the file's size in bytes.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Whole(buffer) => buffer.length(),
            Self::Streaming(streaming) => streaming.length(),
            Self::Staged(staged) => staged.extents().length(),
        }
    }
}

impl FileState {
    /// Returns the approximate number of bytes still to be sent.
    pub(super) fn unsent_bytes(&self) -> u64 {
        match &self.phase {
            _ if !self.dirty || self.is_orphan => 0,
            Phase::Whole(buffer) => buffer.length(),
            Phase::Streaming(streaming) => streaming.unsent_bytes(),
            Phase::Staged(staged) => staged.unsent_bytes(),
        }
    }

    /// Returns the size, in bytes, of the largest file held in one buffer.
    pub(super) fn first_part(&self) -> u64 {
        self.target.sizes().first()
    }

    /// Returns whether parts may be sent before the file is stored.
    pub(super) fn may_stream(&self) -> bool {
        !self.is_orphan && self.at.destination().is_some()
    }

    /// Turns the file into a staged one; only bytes before `end` are still needed. If an upload has
    /// some of them, it is completed first. The file once had that content, so this equals an
    /// earlier flush.
    ///
    /// # Errors
    /// Fails if the upload can't be completed, or if there is no room for the bytes held here.
    pub(super) async fn stage(&mut self, end: u64) -> Result<&mut Staged, WriteError> {
        if let Phase::Streaming(streaming) = &mut self.phase
            && streaming.needs_completion(end)
            && !self.is_orphan
        {
            match self.at.destination() {
                Some(to) => self.complete(&to).await?,
                None => self.orphan().await,
            }
        }
        match &mut self.phase {
            Phase::Whole(buffer) => {
                let mut staged = Staged::new(&self.target, Extents::default());
                staged.put(0, buffer)?;
                self.phase = Phase::Staged(staged);
            }
            Phase::Streaming(streaming) => {
                let staged = streaming.to_staged()?;
                self.become_phase(Phase::Staged(staged)).await;
            }
            Phase::Staged(staged) => staged.abort().await,
        }
        match &mut self.phase {
            Phase::Staged(staged) => Ok(staged),
            Phase::Whole(_) | Phase::Streaming(_) => unreachable!("it has just been staged"),
        }
    }

    /// Turns the file into a streaming one that grows at its end, if possible.
    pub(super) fn stream(&mut self) {
        let streaming = match &mut self.phase {
            Phase::Whole(buffer) => {
                let empty = PartBuffer::new(&self.target);
                Streaming::of_buffer(&self.target, std::mem::replace(buffer, empty))
            }
            Phase::Staged(staged) => match staged.whole_object() {
                Some(object) if !staged.has_upload() => {
                    Streaming::after(&self.target, Arc::clone(object))
                }
                _ => return,
            },
            Phase::Streaming(_) => return,
        };
        self.phase = Phase::Streaming(streaming);
    }

    /// Sets the phase, and aborts the upload of the previous one.
    pub(super) async fn become_phase(&mut self, phase: Phase) {
        match std::mem::replace(&mut self.phase, phase) {
            Phase::Whole(_) => {}
            Phase::Streaming(mut streaming) => streaming.abort().await,
            Phase::Staged(mut staged) => staged.abort().await,
        }
    }

    /// Leaves an upload that no longer exists; bytes that only it had are lost.
    pub(super) fn lose(&mut self) {
        if let Phase::Streaming(streaming) = &mut self.phase {
            let staged = streaming.to_staged_as_far_as_possible();
            if let Some(upload) = streaming.upload_mut() {
                upload.leave();
            }
            self.phase = Phase::Staged(staged);
        }
    }

    /// Marks the file as deleted: bytes held here stay, and nothing more is stored.
    pub(super) async fn orphan(&mut self) {
        self.is_orphan = true;
        match &mut self.phase {
            Phase::Whole(_) => {}
            Phase::Streaming(streaming) => {
                let staged = streaming.to_staged_as_far_as_possible();
                self.become_phase(Phase::Staged(staged)).await;
            }
            Phase::Staged(staged) => staged.abort().await,
        }
        self.delete_leftovers(None).await;
    }

    /// Updates references to a stored object that was renamed.
    pub(super) async fn moved(&mut self, from: &ObjectRef, to: ObjectRef) {
        if let Some((object, _)) = &mut self.stored
            && object.is(from)
        {
            *object = to.clone();
        }
        let to = Arc::new(to);
        match &mut self.phase {
            Phase::Whole(_) => {}
            Phase::Streaming(streaming) => streaming.replace(from, &to),
            Phase::Staged(staged) => {
                staged.abort().await;
                staged.replace(from, &to);
            }
        }
    }
}
