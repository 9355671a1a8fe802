//! Making the bucket hold a file as it is now.

use std::sync::Arc;

use crate::object::{ETag, Headers, Key, ObjectRef};
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
        if let (false, Some(stored)) = (self.dirty, &self.stored) {
            return Ok(Stored {
                anew: false,
                ..stored.clone()
            });
        }
        if self.is_orphan {
            return Err(WriteError::Deleted);
        }
        let to = self.at.destination().ok_or(WriteError::Deleted)?;
        if let Phase::Streaming(streaming) = &mut self.phase
            && let Some(all) = streaming.unsent()
        {
            self.become_whole(all).await;
        }
        if let Phase::Streaming(_) = &self.phase {
            self.complete(&to).await?;
        }
        // Else it has been completed.
        if self.dirty {
            self.store_at(&to).await?;
        }
        self.stored.clone().ok_or(WriteError::Lost)
    }

    async fn store_at(&mut self, to: &Destination) -> Result<(), WriteError> {
        let outcome = match &mut self.phase {
            Phase::Whole(buffer) => Outcome::Whole(buffer.store(to).await?, buffer.clone()),
            Phase::Staged(staged) => staged.store(to).await?,
            Phase::Streaming(_) => return Ok(()),
        };
        let size = self.phase.length();
        let etag = match outcome {
            Outcome::Whole(etag, buffer) => {
                self.phase = Phase::Whole(buffer);
                etag
            }
            Outcome::Object(etag) => {
                self.become_object(to.key.clone(), etag.clone(), size);
                etag
            }
        };
        self.has_stored(etag, size, to.headers.clone());
        if let Some(leftover) = self.leftover.take_if(|key| *key != to.key)
            && let Err(error) = self.target.store.delete(&leftover).await
        {
            tracing::warn!(%error, "what a renamed file was stored as stays");
        }
        Ok(())
    }

    /// Completes the upload of a file that streams. If it was renamed since, it is still to be
    /// stored where it belongs.
    pub(super) async fn complete(&mut self, to: &Destination) -> Result<(), WriteError> {
        let Phase::Streaming(streaming) = &mut self.phase else {
            return Ok(());
        };
        let (object, headers) = match streaming.complete(to).await {
            Err(error) if error.is_no_upload() => {
                self.lose();
                return Err(WriteError::Lost);
            }
            completed => completed?,
        };
        let ObjectRef { key, etag, size } = object;
        let is_there = key == to.key;
        self.become_object(key.clone(), etag.clone(), size);
        if is_there {
            self.has_stored(etag, size, headers);
        } else {
            self.leftover = Some(key);
        }
        Ok(())
    }

    fn become_object(&mut self, key: Key, etag: ETag, size: u64) {
        let object = Arc::new(ObjectRef { key, etag, size });
        let staged = Staged::new(&self.target, Extents::of(object));
        self.phase = Phase::Staged(staged);
    }

    fn has_stored(&mut self, etag: ETag, size: u64, headers: Headers) {
        let stored = Stored {
            etag,
            size,
            anew: true,
            headers,
        };
        self.at.stored(&stored);
        self.stored = Some(stored);
        self.dirty = false;
    }
}
