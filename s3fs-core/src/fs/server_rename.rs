//! Rename of an object by the server, in one step.

use std::iter;

use crate::fs::{Fs, FsError};
use crate::object::{Key, ObjectRef};
use crate::store::{Capability, Described, Precondition, StoreErrorKind};

/// Length of the token that makes a repeated request the same one.
const TOKEN: usize = 32;

/// State of the new key before a rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewKey {
    /// Key of an object, which may be replaced.
    HasObject,
    /// Key without an object that this mount knows; one of another client may be replaced.
    Free,
    /// Key without an object that this mount knows; one of another client must stay.
    MustBeFree,
}

/// State of the old key after an object was brought under a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Key that still has its object, of which the new key has a copy.
    Stays,
    /// Key without an object from now on.
    Gone,
}

/// Object that was brought under a new key.
#[derive(Clone, Debug)]
pub(super) struct Relocated {
    pub(super) old: ObjectRef,
    pub(super) new: ObjectRef,
    pub(super) source: Source,
}

impl Fs {
    /// Renames an object. Returns `None` if the server can't: the object is to be copied then.
    ///
    /// # Errors
    /// The object was replaced or deleted, the new key has an object that must stay, or the store fails.
    /// If a request had no answer, the old key is recorded as unsure, and the new one if it had no object.
    pub(super) async fn rename_object(
        &self,
        old: &ObjectRef,
        to: &Key,
        state: NewKey,
    ) -> Result<Option<Relocated>, FsError> {
        let store = &self.core.store;
        if !store.capabilities().has(Capability::Rename) {
            return Ok(None);
        }
        let token: String = iter::repeat_with(fastrand::alphanumeric)
            .take(TOKEN)
            .collect();
        let precondition = match state {
            NewKey::HasObject | NewKey::Free => Precondition::None,
            NewKey::MustBeFree => Precondition::Absent,
        };
        let renamed = store.rename(&old.key, &old.etag, to, &precondition, &token);
        match renamed.await {
            Ok(()) => {}
            // Those of local zones.
            Err(error) if matches!(error.kind, StoreErrorKind::Unsupported(_)) => {
                store.capabilities().lacks(Capability::Rename);
                return Ok(None);
            }
            Err(error) if error.is_unknown() => {
                if !self.was_renamed(old, to).await {
                    self.writeback.queue.unsure(&old.key);
                    // An object that was there was not made by this mount.
                    if state != NewKey::HasObject {
                        self.writeback.queue.unsure(to);
                    }
                    return Err(error.into());
                }
            }
            // The failed condition is that of the new key or that of the old one.
            Err(error)
                if state == NewKey::MustBeFree
                    && matches!(error.kind, StoreErrorKind::PreconditionFailed) =>
            {
                let there = self.core.describe(to).await?;
                return Err(there.map_or_else(|| error.into(), |_| FsError::Exists));
            }
            Err(error) => return Err(error.into()),
        }
        let there = self.core.describe(to).await.ok().flatten();
        // Another client may have replaced the object by now. With the old version, `If-Match` fails.
        let there = there.filter(|there| there.meta.size == old.size);
        let etag = there.map_or_else(|| old.etag.clone(), |there| there.meta.etag);
        Ok(Some(Relocated {
            old: old.clone(),
            new: ObjectRef {
                key: to.clone(),
                etag,
                size: old.size,
            },
            source: Source::Gone,
        }))
    }

    /// Returns whether a rename without an answer was carried out.
    async fn was_renamed(&self, old: &ObjectRef, to: &Key) -> bool {
        let (source, target) = tokio::join!(self.core.describe(&old.key), self.core.describe(to));
        matches!((source, target), (Ok(source), Ok(target)) if is_renamed(source.as_ref(), target.as_ref(), old))
    }
}

/// Returns whether the objects of the old and the new key show that a version was renamed.
fn is_renamed(source: Option<&Described>, target: Option<&Described>, old: &ObjectRef) -> bool {
    let is_old = |object: &Described| object.meta.etag == old.etag;
    !source.is_some_and(is_old) && target.is_some_and(is_old)
}
