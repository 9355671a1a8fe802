//! Lookup of names where only folders are listed: no page shows a name beside the folder of that name.

use crate::fs::Fs;
use crate::object::Key;
use crate::store::{Described, ListFrom, ListPage, ListRequest, StoreError};
use crate::tree::ListingEntry;

impl Fs {
    /// Asks the store for an object and for keys below its name, at the same time. Returns what the name
    /// stands for, and the object.
    pub(super) async fn ask_separately(
        &self,
        key: &Key,
    ) -> Result<(ListingEntry, Option<Described>), StoreError> {
        let folder = format!("{key}/");
        let (object, has_keys) = tokio::join!(self.core.describe(key), self.has_keys(&folder));
        let object = object?;
        Ok((decided(object.as_ref(), has_keys?), object))
    }

    /// Returns whether any key has this prefix. A page may be empty though others follow.
    async fn has_keys(&self, prefix: &str) -> Result<bool, StoreError> {
        let mut next = None;
        loop {
            let from = next.as_deref();
            let request = ListRequest {
                prefix,
                folded: true,
                from: from.map_or(ListFrom::Beginning, ListFrom::Continuation),
                max_keys: 1,
            };
            let ListPage {
                objects,
                prefixes,
                next: token,
            } = self.core.store.list(request).await?;
            let is_found = !objects.is_empty() || !prefixes.is_empty();
            if is_found || token.is_none() {
                return Ok(is_found);
            }
            next = token;
        }
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
