//! Flush of a file to the bucket.

use std::sync::Arc;

use crate::object::{ETag, Headers, Key, ObjectRef};
use crate::store::Precondition;
use crate::write::attempts::{Attempt, StoredBy};
use crate::write::error::WriteError;
use crate::write::extents::Extents;
use crate::write::file_state::{FileState, Phase};
use crate::write::staged::{Outcome, Staged};
use crate::write::target::{Destination, Stored};

impl FileState {
    /// Stores the file in the bucket as it is now.
    ///
    /// # Errors
    /// Fails if the file could not be stored, or was deleted.
    pub(super) async fn store(&mut self) -> Result<Stored, WriteError> {
        if !self.dirty
            && let Some(stored) = self.last_stored(false)
        {
            return Ok(stored);
        }
        if self.is_orphan {
            return Err(WriteError::Deleted);
        }
        self.missed.check(&(0..u64::MAX))?;
        let mut to = self.at.destination().ok_or(WriteError::Deleted)?;
        if let Phase::Streaming(streaming) = &mut self.phase
            && let Some(all) = streaming.unsent()
        {
            self.become_phase(Phase::Whole(all)).await;
        }
        if let Phase::Streaming(_) = &self.phase {
            self.complete(&to).await?;
        }
        // Else it has been completed.
        if self.dirty {
            to.precondition = self.precondition_at(&to.key, &to);
            self.store_at(&to).await?;
        }
        self.last_stored(true).ok_or(WriteError::Lost)
    }

    fn last_stored(&self, anew: bool) -> Option<Stored> {
        let (object, headers) = self.stored.as_ref()?;
        Some(Stored {
            etag: object.etag.clone(),
            size: object.size,
            anew,
            headers: headers.clone(),
        })
    }

    async fn store_at(&mut self, to: &Destination) -> Result<(), WriteError> {
        if matches!(self.phase, Phase::Streaming(_)) {
            return Ok(());
        }
        let attempt = Attempt {
            key: to.key.clone(),
            headers: to.headers.clone(),
            size: self.phase.length(),
        };
        let outcome = match self.try_to_store_at(to).await {
            Ok(outcome) => outcome,
            Err(error) => match self.failed(&attempt, &to.precondition, error).await? {
                StoredBy::Stored(etag) => self.found_stored(etag),
                StoredBy::Earlier(etag) => {
                    let precondition = Precondition::Is(etag);
                    let to = Destination {
                        precondition,
                        ..to.clone()
                    };
                    self.try_to_store_at(&to).await?
                }
            },
        };
        let Attempt { key, size, .. } = attempt;
        let object = |etag| ObjectRef { key, etag, size };
        match outcome {
            Outcome::Whole(etag, buffer) => {
                self.phase = Phase::Whole(buffer);
                let object = object(etag);
                self.target.zeros.stored(&object, None, self.first_part());
                self.has_stored(object, to.headers.clone()).await;
            }
            Outcome::Object(etag) => {
                let object = object(etag);
                self.become_object(object.clone());
                self.has_stored(object, to.headers.clone()).await;
            }
        }
        Ok(())
    }

    async fn try_to_store_at(&mut self, to: &Destination) -> Result<Outcome, WriteError> {
        match &mut self.phase {
            Phase::Whole(buffer) => Ok(Outcome::Whole(buffer.store(to).await?, buffer.clone())),
            Phase::Staged(staged) => staged.store(to).await,
            // It has been completed before.
            Phase::Streaming(_) => Err(WriteError::Lost),
        }
    }

    fn found_stored(&self, etag: ETag) -> Outcome {
        match &self.phase {
            Phase::Whole(buffer) => Outcome::Whole(etag, buffer.clone()),
            Phase::Staged(_) | Phase::Streaming(_) => Outcome::Object(etag),
        }
    }

    /// Handles a failed attempt. If an existing object caused the refusal, it may be from the same
    /// attempt or an earlier one whose response was lost.
    ///
    /// # Errors
    /// Fails with the attempt's error, with a known outcome if the object is another client's.
    async fn failed(
        &mut self,
        attempt: &Attempt,
        precondition: &Precondition,
        error: WriteError,
    ) -> Result<StoredBy, WriteError> {
        if error.is_precondition() && *precondition == Precondition::Absent {
            let found = self.attempts.find(&*self.target.store, attempt, &error);
            match found.await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {
                    self.attempts.settled(&attempt.key);
                    return Err(error.refused());
                }
                Err(_) => {}
            }
        }
        if error.is_unknown() {
            self.attempts.add(attempt.clone());
        }
        Err(error)
    }

    /// Completes the upload of a streaming file. If the file was renamed since, it must still be
    /// stored under its new key.
    pub(super) async fn complete(&mut self, to: &Destination) -> Result<(), WriteError> {
        self.missed.check(&(0..u64::MAX))?;
        let Phase::Streaming(streaming) = &self.phase else {
            return Ok(());
        };
        let precondition = self.precondition_at(streaming.key(to), to);
        let attempt = Attempt {
            key: streaming.key(to).clone(),
            headers: streaming.headers(to).clone(),
            size: streaming.length(),
        };
        let (object, headers) = match self.try_to_complete(to, &precondition).await {
            Err(error) if error.is_no_upload() => {
                self.lose();
                return Err(WriteError::Lost);
            }
            Ok(completed) => completed,
            Err(error) => match self.failed(&attempt, &precondition, error).await? {
                StoredBy::Stored(etag) => {
                    let Attempt { key, headers, size } = attempt;
                    (ObjectRef { key, etag, size }, headers)
                }
                StoredBy::Earlier(etag) => {
                    self.try_to_complete(to, &Precondition::Is(etag)).await?
                }
            },
        };
        self.become_object(object.clone());
        if object.key == to.key {
            self.has_stored(object, headers).await;
        } else {
            self.leftovers.push(object);
        }
        Ok(())
    }

    async fn try_to_complete(
        &mut self,
        to: &Destination,
        precondition: &Precondition,
    ) -> Result<(ObjectRef, Headers), WriteError> {
        match &mut self.phase {
            Phase::Streaming(streaming) => streaming.complete(to, precondition).await,
            Phase::Whole(_) | Phase::Staged(_) => Err(WriteError::Lost),
        }
    }

    /// Returns the precondition for storing the file under a key. Under a key other than its
    /// present one, it may replace only an object that it left there itself.
    fn precondition_at(&self, key: &Key, to: &Destination) -> Precondition {
        match self.leftovers.iter().rfind(|leftover| leftover.key == *key) {
            Some(leftover) => Precondition::Is(leftover.etag.clone()),
            None if *key == to.key => to.precondition.clone(),
            None => Precondition::Absent,
        }
    }

    /// Deletes the objects that a renamed file left, except those that were replaced since.
    pub(super) async fn delete_leftovers(&mut self, stored: Option<&Key>) {
        let store = &self.target.store;
        for ObjectRef { key, etag, .. } in std::mem::take(&mut self.leftovers) {
            let is_there = async || {
                store
                    .head(&key)
                    .await
                    .is_ok_and(|found| found.meta.etag == etag)
            };
            if Some(&key) != stored
                && is_there().await
                && let Err(error) = store.delete(&key).await
            {
                tracing::warn!(%error, "failed to delete the earlier object of a renamed file");
            }
        }
    }

    fn become_object(&mut self, object: ObjectRef) {
        let staged = Staged::new(&self.target, Extents::of(Arc::new(object)));
        self.phase = Phase::Staged(staged);
    }

    async fn has_stored(&mut self, object: ObjectRef, headers: Headers) {
        self.delete_leftovers(Some(&object.key)).await;
        self.attempts.settled(&object.key);
        self.stored = Some((object, headers));
        self.dirty = false;
        if let Some(stored) = self.last_stored(true) {
            self.at.stored(&stored);
        }
    }
}
