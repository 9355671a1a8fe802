//! Making the bucket hold a file as it is now.

use std::sync::Arc;

use crate::object::{Headers, Key, ObjectRef};
use crate::store::Precondition;
use crate::write::error::WriteError;
use crate::write::extents::Extents;
use crate::write::inner::{Inner, Phase};
use crate::write::staged::{Outcome, Staged};
use crate::write::target::{Destination, Stored};

impl Inner {
    /// Makes the bucket hold the file as it is now.
    ///
    /// # Errors
    /// It could not be stored, or was deleted.
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
        let outcome = match &mut self.phase {
            Phase::Whole(buffer) => Outcome::Whole(buffer.store(to).await?, buffer.clone()),
            Phase::Staged(staged) => staged.store(to).await?,
            Phase::Streaming(_) => return Ok(()),
        };
        let (key, size) = (to.key.clone(), self.phase.length());
        let object = |etag| ObjectRef { key, etag, size };
        match outcome {
            Outcome::Whole(etag, buffer) => {
                self.phase = Phase::Whole(buffer);
                self.has_stored(object(etag), to.headers.clone()).await;
            }
            Outcome::Object(etag) => {
                let object = object(etag);
                self.become_object(object.clone());
                self.has_stored(object, to.headers.clone()).await;
            }
        }
        Ok(())
    }

    /// Completes the upload of a file that streams. If it was renamed since, it is still to be
    /// stored where it belongs.
    pub(super) async fn complete(&mut self, to: &Destination) -> Result<(), WriteError> {
        self.missed.check(&(0..u64::MAX))?;
        let Phase::Streaming(streaming) = &self.phase else {
            return Ok(());
        };
        let precondition = self.precondition_at(streaming.key(to), to);
        let Phase::Streaming(streaming) = &mut self.phase else {
            return Ok(());
        };
        let (object, headers) = match streaming.complete(to, &precondition).await {
            Err(error) if error.is_no_upload() => {
                self.lose();
                return Err(WriteError::Lost);
            }
            completed => completed?,
        };
        self.become_object(object.clone());
        if object.key == to.key {
            self.has_stored(object, headers).await;
        } else {
            self.leftovers.push(object);
        }
        Ok(())
    }

    /// What must hold for the file to be stored under a key. Where it is not wanted any more, it must
    /// replace none but what it left itself.
    fn precondition_at(&self, key: &Key, to: &Destination) -> Precondition {
        match self.leftovers.iter().rfind(|leftover| leftover.key == *key) {
            Some(leftover) => Precondition::Is(leftover.etag.clone()),
            None if *key == to.key => to.precondition.clone(),
            None => Precondition::Absent,
        }
    }

    /// Deletes what a renamed file was stored as, but for what has been replaced since.
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
                tracing::warn!(%error, "what a renamed file was stored as stays");
            }
        }
    }

    fn become_object(&mut self, object: ObjectRef) {
        let staged = Staged::new(&self.target, Extents::of(Arc::new(object)));
        self.phase = Phase::Staged(staged);
    }

    async fn has_stored(&mut self, object: ObjectRef, headers: Headers) {
        self.delete_leftovers(Some(&object.key)).await;
        self.stored = Some((object, headers));
        self.dirty = false;
        if let Some(stored) = self.last_stored(true) {
            self.at.stored(&stored);
        }
    }
}
