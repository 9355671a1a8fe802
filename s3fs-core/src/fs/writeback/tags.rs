//! Tags of an object that is about to be written again. A copy keeps them; any other request that
//! writes has to send them.

use std::sync::Arc;

use crate::fs::FsError;
use crate::fs::writeback::Writeback;
use crate::tree::{Ino, Kind};
use crate::write::with_tags;

impl Writeback {
    /// Reads the tags of the object of an entry, if it was there before this mount.
    ///
    /// # Errors
    /// The object has tags, and they can't be read: a new version would lose them.
    pub(in crate::fs) async fn read_tags(&self, ino: Ino) -> Result<(), FsError> {
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
        let read = with_tags(&*self.core.store, &key, &properties).await?;
        self.core.tree.update_attrs(ino, |attrs| {
            if let Some(stored) = &mut attrs.stored
                && stored
                    .properties
                    .as_ref()
                    .is_some_and(|it| Arc::ptr_eq(it, &properties))
            {
                stored.properties = Some(read);
            }
        });
        Ok(())
    }
}
