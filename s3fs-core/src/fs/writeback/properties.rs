//! Properties of an object that is about to be written again, as they are now: lifecycle rules and
//! other clients change storage class and tags of a version.

use std::sync::Arc;
use std::time::Instant;

use crate::fs::FsError;
use crate::fs::writeback::Writeback;
use crate::object::{ETag, Properties};
use crate::store::{StoreErrorKind, properties_with_tags};
use crate::tree::{Entry, Ino, Kind};

impl Writeback {
    /// Reads the properties of the object of an entry, tags included. A copy keeps tags; any other
    /// request that writes has to send them.
    ///
    /// # Errors
    /// The store does not answer, or the object has tags that can't be read: a new version would
    /// lose them.
    pub(in crate::fs) async fn read_properties(&self, ino: Ino) -> Result<(), FsError> {
        self.refresh_properties(ino).await?;
        let Some(entry) = self.core.tree.entry(ino) else {
            return Ok(());
        };
        let stored = entry.attrs.stored.as_ref();
        let Some(properties) = stored.and_then(|stored| stored.properties.clone()) else {
            return Ok(());
        };
        let key = match &entry.kind {
            Kind::Dir => self.core.marker_of(ino)?,
            Kind::File(_) => self.core.key_of(ino)?,
        };
        let read = properties_with_tags(&*self.core.store, &key, &properties).await?;
        let is_same = |now: &Arc<Properties>| Arc::ptr_eq(now, &properties);
        self.core.tree.update_attrs(ino, |attrs| {
            if let Some(stored) = &mut attrs.stored
                && stored.properties.as_ref().is_some_and(is_same)
            {
                stored.properties = Some(read);
            }
        });
        Ok(())
    }

    /// Requests the properties of the object of an entry, unless they were learned just now.
    ///
    /// # Errors
    /// The store does not answer.
    pub(super) async fn refresh_properties(&self, ino: Ino) -> Result<(), FsError> {
        let asked = Instant::now();
        let Some(entry) = self.core.tree.entry(ino) else {
            return Ok(());
        };
        if entry.attrs.stored.is_none() || entry.attrs.knows_properties(asked) {
            return Ok(());
        }
        let key = match &entry.kind {
            Kind::Dir => self.core.marker_of(ino)?,
            Kind::File(file) if file.etag.is_none() => return Ok(()),
            Kind::File(_) => self.core.key_of(ino)?,
        };
        let described = match self.core.describe(&key).await {
            // Writing may be allowed where reading is not.
            Err(error) if matches!(error.kind, StoreErrorKind::AccessDenied(_)) => return Ok(()),
            described => described?,
        };
        let Some(described) = described else {
            return Ok(());
        };
        let now = self.core.tree.entry(ino);
        // Of another version: the request that writes finds out.
        if now.is_some_and(|now| is_of_version(&now, &described.meta.etag)) {
            self.core.tree.update_attrs(ino, |attrs| {
                if let Some(stored) = &mut attrs.stored {
                    stored.properties.clone_from(&described.headers.properties);
                    attrs.properties_learned = Some(asked);
                }
            });
        }
        Ok(())
    }
}

fn is_of_version(entry: &Entry, etag: &ETag) -> bool {
    match &entry.kind {
        // A folder may have any version of its marker.
        Kind::Dir => true,
        Kind::File(file) => file.etag.as_ref() == Some(etag),
    }
}
