//! Multipart upload of one file, with several parts in flight. The content of a part is held until
//! the store has it, so that a failure loses nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tokio::task::{Id, JoinError, JoinSet};

use crate::object::{ETag, Headers, Key, ObjectRef};
use crate::store::{PartNumber, PartTag, Precondition, StoreError, StoreErrorKind, UploadId};
use crate::write::attempts::Attempt;
use crate::write::buffer::PartBuffer;
use crate::write::error::WriteError;
use crate::write::interrupts::Interruption;
use crate::write::open_upload::OpenUpload;
use crate::write::part_body::PartBody;
use crate::write::target::Target;
use crate::write::upload_part::{PartState, Slot, UploadPart};

/// Maximum number of parts in flight. On loopback, more than four of 8 MiB bring nothing. Where a
/// connection is limited to 90 MiB/s, four are slower than the machine. Each holds its memory.
const IN_FLIGHT: usize = 10;

/// Multipart upload. It starts with its first part and ends by [`complete`](Self::complete) or
/// [`abort`](Self::abort); dropping it aborts too.
#[derive(Debug)]
pub(super) struct Upload {
    begun: Arc<OpenUpload>,
    parts: BTreeMap<u16, UploadPart>,
    /// Parts that are not sent yet, or must be sent again.
    queued: BTreeSet<u16>,
    in_flight: JoinSet<Sent>,
    numbers: HashMap<Id, u16>,
    ended: bool,
    /// True if a completion was sent whose outcome is unknown.
    may_be_completed: bool,
}

impl Upload {
    /// Creates an upload of an object with this key and these headers.
    pub(super) fn new(target: &Arc<Target>, key: Key, headers: Headers) -> Self {
        Self {
            begun: OpenUpload::new(target, key, headers),
            parts: BTreeMap::new(),
            queued: BTreeSet::new(),
            in_flight: JoinSet::new(),
            numbers: HashMap::new(),
            ended: false,
            may_be_completed: false,
        }
    }

    /// Returns the key of the resulting object.
    pub(super) fn key(&self) -> &Key {
        &self.begun.key
    }

    /// Returns the headers of the resulting object.
    pub(super) fn headers(&self) -> &Headers {
        &self.begun.headers
    }

    /// Returns the upload's id, if it has started.
    pub(super) fn id(&self) -> Option<UploadId> {
        self.begun.known_id()
    }

    /// Returns the start of the upload.
    pub(super) fn begun(&self) -> Arc<OpenUpload> {
        Arc::clone(&self.begun)
    }

    /// Returns the number of bytes of its parts that are still to be sent.
    pub(super) fn unsent_bytes(&self) -> u64 {
        let numbers = self.queued.iter().chain(self.numbers.values());
        numbers
            .filter_map(|number| self.parts.get(number))
            .map(|part| part.state.unsent_bytes())
            .sum()
    }

    /// Queues a part; it replaces the previous one with this number.
    pub(super) fn put(&mut self, number: u16, offset: u64, job: PartBody) {
        let before = self.parts.remove(&number).map(|part| part.state);
        let state = if let Some(PartState::InFlight(_) | PartState::Replaced(_)) = before {
            PartState::Replaced(job)
        } else {
            self.queued.insert(number);
            PartState::Queued(job)
        };
        self.parts.insert(number, UploadPart { offset, state });
    }

    /// Removes a part, which must not be in flight.
    pub(super) fn remove(&mut self, number: u16) {
        self.queued.remove(&number);
        self.parts.remove(&number);
    }

    /// Sends queued parts as far as that needs no waiting. Returns true if one more part could be
    /// sent.
    ///
    /// # Errors
    /// Fails if a part failed, which is queued again.
    pub(super) fn push(&mut self) -> Result<bool, WriteError> {
        while let Some(landed) = self.in_flight.try_join_next_with_id() {
            self.landed(landed)?;
        }
        self.launch();
        Ok(self.queued.is_empty() && self.in_flight.len() < IN_FLIGHT)
    }

    /// Sends queued parts and waits until one more part could be sent.
    ///
    /// # Errors
    /// Fails if a part failed, which is queued again.
    pub(super) async fn make_room(&mut self) -> Result<(), WriteError> {
        while !self.push()? {
            self.land().await.transpose()?;
        }
        Ok(())
    }

    /// Sends queued parts and waits until the store has all of them. After a failure, or if the file
    /// changes, sends nothing more and waits until nothing is in flight. If the file is removed,
    /// does not wait: the upload is aborted.
    ///
    /// # Errors
    /// Fails if a part failed, which is queued again, or if it was interrupted.
    async fn settle(&mut self) -> Result<(), WriteError> {
        let interrupts = self.begun.target.interrupts.clone();
        let mut failure = None;
        loop {
            if failure.is_none() {
                self.launch();
            }
            let is_early = self.is_early();
            let counts = |why| why == Interruption::Removal || is_early;
            let landed = tokio::select! {
                biased;
                landed = self.land() => landed,
                // A completion may have been carried out: what it left is to be found out.
                why = interrupts.interrupted(counts), if failure.is_none() && !self.may_be_completed => {
                    if why == Interruption::Removal {
                        return Err(WriteError::Interrupted);
                    }
                    failure = Some(WriteError::Interrupted);
                    continue;
                }
            };
            match landed {
                Some(Err(error)) => failure = failure.or(Some(error)),
                Some(Ok(())) => {}
                None => return failure.map_or(Ok(()), Err),
            }
        }
    }

    /// Returns whether much is still to be sent. Else ending the upload would lose more than it saves.
    fn is_early(&self) -> bool {
        let states = self.parts.values().map(|part| &part.state);
        let sent = states.filter(|state| matches!(state, PartState::Done(_)));
        !self.queued.is_empty() || 2 * sent.count() < self.parts.len()
    }

    /// Sends all parts and completes the upload to an object of `size` bytes.
    ///
    /// # Errors
    /// Fails if a part or the completion failed. Both can be retried.
    pub(super) async fn complete(
        &mut self,
        precondition: &Precondition,
        size: u64,
    ) -> Result<ETag, WriteError> {
        // Counted here: nobody else can count the unsent bytes while this holds the upload.
        self.begun.target.unsent.count(|| self.unsent_bytes());
        self.settle().await?;
        let tags: Option<Vec<_>> = self.parts.values().map(UploadPart::tag).collect();
        let tags = tags.ok_or(WriteError::Lost)?;
        let id = self.begun.id().await.map_err(WriteError::on_the_way)?;
        let OpenUpload { target, key, .. } = &*self.begun;
        let completing = target.store.complete_upload(key, &id, &tags, precondition);
        let completed = completing.await;
        self.may_be_completed |= completed.as_ref().is_err_and(StoreError::is_unknown);
        let etag = match completed {
            Err(error) if self.may_be_completed && is_after_completion(&error) => {
                self.as_completed(tags.len(), size).await.ok_or(error)?
            }
            completed => completed?,
        };
        self.ended = true;
        Ok(etag)
    }

    /// Returns the version in the bucket if it was stored with the metadata of this upload: an
    /// older object may have the same size and the same number of parts.
    async fn as_completed(&self, parts: usize, size: u64) -> Option<ETag> {
        let OpenUpload { target, key, .. } = &*self.begun;
        let attempt = Attempt {
            key: key.clone(),
            headers: self.headers().clone(),
            size,
        };
        let found = target.store.head(key).await.ok()?;
        let etag = &found.meta.etag;
        let is_it = attempt.made(&found) && etag.to_string().ends_with(&format!("-{parts}"));
        is_it.then_some(found.meta.etag)
    }

    /// Aborts the upload: the store drops the parts.
    pub(super) async fn abort(mut self) {
        let is_left = std::mem::replace(&mut self.ended, true);
        self.in_flight.shutdown().await;
        if !is_left {
            self.begun.abort().await;
        }
    }

    /// Leaves the upload unfinished in the bucket, even when it is dropped or aborted.
    pub(super) fn leave(&mut self) {
        self.ended = true;
    }

    /// Returns the buffers of parts that the store does not have, with their offsets in the file.
    pub(super) fn held(&self) -> impl Iterator<Item = (u64, PartBuffer)> {
        self.parts
            .values()
            .filter_map(|part| match part.state.job() {
                Some(PartBody::Send(buffer)) => Some((part.offset, buffer)),
                _ => None,
            })
    }

    /// Updates references to a stored object that was renamed. Copies in flight may not find it any
    /// more.
    pub(super) fn replace(&mut self, from: &ObjectRef, to: &Arc<ObjectRef>) {
        for part in self.parts.values_mut() {
            let Some(PartBody::Copy(object, range)) = part.state.job() else {
                continue;
            };
            if object.is(from) {
                let again = PartBody::Copy(Arc::clone(to), range);
                part.state = match part.state {
                    PartState::Queued(_) => PartState::Queued(again),
                    _ => PartState::Replaced(again),
                };
            }
        }
    }

    fn launch(&mut self) {
        while self.in_flight.len() < IN_FLIGHT
            && let Some(number) = self.queued.pop_first()
        {
            let Some(part) = self.parts.get_mut(&number) else {
                continue;
            };
            if let PartState::Queued(job) = &part.state {
                let (slot, begun) = (Slot::new(job.clone()), Arc::clone(&self.begun));
                part.state = PartState::InFlight(slot.clone());
                let task = self.in_flight.spawn(send(begun, number, slot)).id();
                self.numbers.insert(task, number);
            }
        }
    }

    /// Waits for one part; returns `None` if none is in flight.
    async fn land(&mut self) -> Option<Result<(), WriteError>> {
        let landed = self.in_flight.join_next_with_id().await?;
        Some(self.landed(landed))
    }

    fn landed(&mut self, landed: Result<(Id, Sent), JoinError>) -> Result<(), WriteError> {
        let (task, sent) = match landed {
            Ok((task, sent)) => (task, sent),
            Err(died) => (died.id(), Err(self.died(&died))),
        };
        let part = self.numbers.remove(&task).and_then(|number| {
            let part = self.parts.get_mut(&number)?;
            Some((number, part))
        });
        let Some((number, part)) = part else {
            return Ok(());
        };
        let is_right = matches!(part.state, PartState::InFlight(_));
        let (state, result) = match (part.state.job(), sent) {
            (Some(job), Err(error)) if is_right => (PartState::Queued(job), Err(error)),
            (Some(job), _) if !is_right => (PartState::Queued(job), Ok(())),
            (_, sent) => (PartState::Done(sent?), Ok(())),
        };
        if let PartState::Queued(_) = state {
            self.queued.insert(number);
        }
        part.state = state;
        result
    }

    fn died(&self, died: &JoinError) -> WriteError {
        let error = StoreError::new(
            "UploadPart",
            self.begun.target.store.uri(&self.begun.key),
            StoreErrorKind::Other(format!("the task died: {died}")),
        );
        error.after_unknown().into()
    }
}

/// Returns whether a completion is refused like this once an earlier one was carried out.
fn is_after_completion(error: &StoreError) -> bool {
    matches!(
        error.kind,
        StoreErrorKind::NoSuchUpload | StoreErrorKind::PreconditionFailed
    )
}

/// Result of sending a part.
type Sent = Result<PartTag, WriteError>;

async fn send(begun: Arc<OpenUpload>, number: u16, slot: Slot) -> Sent {
    let id = begun.id().await.map_err(WriteError::on_the_way)?;
    let to = (&begun.key, &id, PartNumber(number));
    let Some(job) = slot.get() else {
        return Err(WriteError::Lost);
    };
    let sent = job.run(&begun.target, to).await;
    if sent.is_ok() {
        let take = || slot.lock().take().map_or(0, |job| job.sends());
        begun.target.unsent.taken(take);
    }
    sent
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let begun = Arc::clone(&self.begun);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let endings = begun.target.endings.clone();
            endings.spawn_on(async move { begun.abort().await }, &runtime);
        }
    }
}
