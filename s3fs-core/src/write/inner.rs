//! What a writer is made of, and how one phase becomes another.

use std::sync::Arc;

use crate::object::{Headers, ObjectRef};
use crate::write::attempts::Attempts;
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::extents::Extents;
use crate::write::missed::Missed;
use crate::write::staged::Staged;
use crate::write::streaming::Streaming;
use crate::write::target::{Place, Target};

/// A writer's state, behind its lock.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) target: Arc<Target>,
    pub(super) at: Arc<dyn Place>,
    pub(super) phase: Phase,
    /// Whether the bucket lacks something of the file.
    pub(super) dirty: bool,
    /// What was stored last, by this writer or before, and with which headers.
    pub(super) stored: Option<(ObjectRef, Headers)>,
    /// The file was deleted: nothing is stored any more.
    pub(super) is_orphan: bool,
    /// What uploads became whose file had been renamed meanwhile.
    pub(super) leftovers: Vec<ObjectRef>,
    /// Attempts to store it of which nobody knows what became.
    pub(super) attempts: Attempts,
    /// What is lacking of mapped pages.
    pub(super) missed: Missed,
}

/// Where the bytes are.
#[derive(Debug)]
pub(super) enum Phase {
    /// All here; no more than a first part.
    Whole(PartBuffer),
    /// On their way, as the file grows at its end.
    Streaming(Streaming),
    /// Anywhere.
    Staged(Staged),
}

impl Phase {
    /// The file's size in bytes.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Whole(buffer) => buffer.length(),
            Self::Streaming(streaming) => streaming.length(),
            Self::Staged(staged) => staged.extents().length(),
        }
    }
}

impl Inner {
    /// About how many bytes are still to be sent.
    pub(super) fn left(&self) -> u64 {
        match &self.phase {
            _ if !self.dirty || self.is_orphan => 0,
            Phase::Whole(buffer) => buffer.length(),
            Phase::Streaming(streaming) => streaming.left(),
            Phase::Staged(staged) => staged.left(),
        }
    }

    /// The largest file that is held as a whole.
    pub(super) fn first_part(&self) -> u64 {
        self.target.sizes().first()
    }

    /// Whether parts may leave before the file is stored.
    pub(super) fn may_stream(&self) -> bool {
        !self.is_orphan && self.at.destination().is_some()
    }

    /// The file with its bytes anywhere, of which those before `end` are still wanted. If some of
    /// them are with an upload, that is completed first: the file had that content once, as if a
    /// program had asked for it to be stored.
    ///
    /// # Errors
    /// The upload can't be completed, or there is no room for what is here.
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

    /// The file grows at its end from now on, if it can: then it is streaming.
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

    /// The bytes are there from now on, and with no upload.
    pub(super) async fn become_phase(&mut self, phase: Phase) {
        match std::mem::replace(&mut self.phase, phase) {
            Phase::Whole(_) => {}
            Phase::Streaming(mut streaming) => streaming.abort().await,
            Phase::Staged(mut staged) => staged.abort().await,
        }
    }

    /// The upload is no more: what was with it is lost.
    pub(super) fn lose(&mut self) {
        if let Phase::Streaming(streaming) = &mut self.phase {
            let staged = streaming.to_staged_as_far_as_possible();
            if let Some(upload) = streaming.upload_mut() {
                upload.leave();
            }
            self.phase = Phase::Staged(staged);
        }
    }

    /// The file was deleted: what is here stays, and nothing more is stored.
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

    /// A stored object has another name now.
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
