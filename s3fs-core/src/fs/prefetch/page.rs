//! Decision by a page of keys about the entry of a name.

use crate::list::end_of;
use crate::object::Key;
use crate::store::{ListPage, Store};
use crate::tree::ListingEntry;

/// Decides what a name stands for by a page with the keys from `key` on. Returns `None` if more
/// keys of that name may follow on a later page.
pub(in crate::fs) fn decide(store: &dyn Store, page: &ListPage, key: &Key) -> Option<ListingEntry> {
    let folder = format!("{key}/");
    if page.prefixes.contains(&folder) {
        return Some(ListingEntry::Dir);
    }
    let end = end_of(page, store.capabilities());
    let is_past = page.next.is_none() || end.is_some_and(|end| *end > *folder);
    is_past.then(|| object(page, key))
}

/// Returns the file of a page that has the key.
pub(in crate::fs) fn object(page: &ListPage, key: &Key) -> ListingEntry {
    let found = page
        .objects
        .iter()
        .find(|object| object.key == key.as_str());
    found.map_or(ListingEntry::Absent, |object| {
        ListingEntry::File(object.meta.clone())
    })
}
