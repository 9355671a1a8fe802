//! Lookup of names where only folders are listed: no page shows a name beside the folder of that name.

use crate::fs::Fs;
use crate::object::Key;
use crate::store::{Described, StoreError};
use crate::tree::ListingEntry;

impl Fs {
    /// Asks the store for an object and for keys below its name, at the same time. Returns what the name
    /// stands for, and the object.
    pub(super) async fn ask_separately(
        &self,
        key: &Key,
    ) -> Result<(ListingEntry, Option<Described>), StoreError> {
        let folder = format!("{key}/");
        // Without folding, since the keys of unfinished uploads have common prefixes, but are no objects.
        let (object, has_keys) = tokio::join!(self.core.describe(key), self.core.has_keys(&folder));
        let object = object?;
        Ok((decided(object.as_ref(), has_keys?), object))
    }
}

/// Returns what a name stands for. A folder hides the object of its name.
fn decided(object: Option<&Described>, has_keys: bool) -> ListingEntry {
    match object {
        _ if has_keys => ListingEntry::Dir,
        Some(object) => ListingEntry::File(object.meta.clone()),
        None => ListingEntry::Absent,
    }
}
