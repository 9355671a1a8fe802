//! Part of an upload: queued, in flight or stored.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::PartTag;
use crate::write::part_body::PartBody;

/// Part of an upload.
#[derive(Debug)]
pub(super) struct UploadPart {
    /// Offset of the part in the file.
    pub(super) offset: u64,
    /// State of the part, with its content.
    pub(super) state: PartState,
}

/// State of a part.
#[derive(Debug)]
pub(super) enum PartState {
    /// Content to send.
    Queued(PartBody),
    /// Content being sent.
    InFlight(Slot),
    /// Content to send next, while older content of the part is in flight.
    Replaced(PartBody),
    /// Stored.
    Done(PartTag),
}

/// Content of a part in flight: emptied, and its memory freed, as soon as the store has it.
#[derive(Clone, Debug)]
pub(super) struct Slot(Arc<Mutex<Option<PartBody>>>);

impl Slot {
    /// Creates the content of a part that is about to be sent.
    pub(super) fn new(job: PartBody) -> Self {
        Self(Arc::new(Mutex::new(Some(job))))
    }

    /// Locks the content.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<PartBody>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the content, unless the store has it.
    pub(super) fn get(&self) -> Option<PartBody> {
        self.lock().clone()
    }
}

impl PartState {
    /// Returns the content of the part, unless the store has it.
    pub(super) fn job(&self) -> Option<PartBody> {
        match self {
            Self::Queued(job) | Self::Replaced(job) => Some(job.clone()),
            Self::InFlight(slot) => slot.get(),
            Self::Done(_) => None,
        }
    }

    /// Returns the number of bytes still to be sent.
    pub(super) fn unsent_bytes(&self) -> u64 {
        match self {
            Self::Queued(job) | Self::Replaced(job) => job.sends(),
            Self::InFlight(slot) => slot.lock().as_ref().map_or(0, PartBody::sends),
            Self::Done(_) => 0,
        }
    }
}

impl UploadPart {
    /// Returns the tag of a part that the store has.
    pub(super) fn tag(&self) -> Option<PartTag> {
        match &self.state {
            PartState::Done(tag) => Some(tag.clone()),
            _ => None,
        }
    }
}
