//! Server that keeps objects as files in folders, as `SeaweedFS` does: a folder stays when its last key
//! goes, and is an empty object to HEAD and to a listing of its own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;

use super::state::{MemoryState, Object};
use crate::object::{ETag, Headers, Key};

/// Keeps the folders of a deleted key. A folder without anything in it is deleted by its own key.
pub(super) fn removed(state: &mut MemoryState, key: &str) {
    let is_filled = |state: &MemoryState, folder: &str| {
        let mut keys = state.objects.keys().chain(&state.folders);
        keys.any(|key| key.starts_with(folder) && key != folder)
    };
    let is_folder = key.ends_with('/');
    if is_folder && !is_filled(state, key) {
        state.folders.remove(key);
    }
    let slashes = key.match_indices('/');
    for (at, _) in slashes {
        let folder = &key[..=at];
        if folder != key || is_filled(state, folder) {
            state.folders.insert(folder.to_owned());
        }
    }
}

/// Returns the objects of a listing. One that is folded shows folders as empty objects.
pub(super) fn listed(state: &MemoryState, folded: bool) -> Cow<'_, BTreeMap<String, Object>> {
    if !folded || state.folders.is_empty() {
        return Cow::Borrowed(&state.objects);
    }
    let mut objects = state.objects.clone();
    for folder in &state.folders {
        objects.entry(folder.clone()).or_insert_with(made_up);
    }
    Cow::Owned(objects)
}

/// Returns a folder as HEAD shows it, if it was left without an object of its own.
pub(super) fn folder(state: &MemoryState, key: &Key) -> Option<Object> {
    let is_made_up =
        state.folders.contains(key.as_str()) && !state.objects.contains_key(key.as_str());
    is_made_up.then(made_up)
}

/// Returns the object that stands for a folder: no upload has zero parts.
fn made_up() -> Object {
    let mut object = Object::new(Bytes::new(), &Headers::default());
    object.meta.etag = ETag::new(&format!("{}-0", object.meta.etag));
    object
}
