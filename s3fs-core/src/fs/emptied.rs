//! Folders without a key, which some servers still list after the objects in them were moved.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};

use crate::fs::Fs;
use crate::fs::copies::AT_ONCE;
use crate::object::Key;
use crate::store::Capability;

/// Returns the folders of deleted keys, down from `top` and with it, by their number of parts.
pub(super) fn emptied_folders(top: &str, keys: &[Key]) -> Vec<Vec<Key>> {
    let mut folders: Vec<BTreeSet<&str>> = vec![BTreeSet::from([top])];
    for key in keys.iter().map(Key::as_str) {
        let below = key.get(top.len()..).unwrap_or_default();
        for (depth, (at, _)) in below.match_indices('/').enumerate() {
            if folders.len() < depth + 2 {
                folders.push(BTreeSet::new());
            }
            folders[depth + 1].insert(&key[..=top.len() + at]);
        }
    }
    let as_keys = |folders: BTreeSet<&str>| folders.into_iter().map(Key::new).collect();
    folders.into_iter().map(as_keys).collect()
}

impl Fs {
    /// Deletes folders whose keys are deleted, on a server that still lists them. The first time, this
    /// is asked of the topmost one.
    pub(super) async fn delete_emptied(&self, folders: Vec<Vec<Key>>) {
        let capability = Capability::EmptyFoldersVanish;
        let capabilities = self.core.store.capabilities();
        let Some(top) = folders.first().and_then(|top| top.first()) else {
            return;
        };
        if capabilities.has(capability) && !capabilities.is_proven(capability) {
            match self.core.describe(top).await {
                Ok(None) => capabilities.prove(capability),
                // No upload has zero parts: the server makes it up for a folder.
                Ok(Some(there)) if there.meta.etag.to_string().ends_with("-0") => {
                    capabilities.lacks(capability);
                }
                _ => {}
            }
        }
        if capabilities.has(capability) {
            return;
        }
        for folders in folders.into_iter().rev() {
            let deleting = folders.into_iter().map(|folder| async move {
                if let Err(error) = self.core.store.delete(&folder).await {
                    tracing::warn!(%error, "an emptied folder could not be deleted");
                }
            });
            let deleting = stream::iter(deleting).buffer_unordered(AT_ONCE);
            deleting.collect::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_of_the_keys_is_emptied() {
        let keys = ["a/b/", "a/b/1", "a/b/c/d/2", "a/b/e/3"].map(Key::new);
        let expected = [vec!["a/b/"], vec!["a/b/c/", "a/b/e/"], vec!["a/b/c/d/"]];
        let expected = expected.map(|keys| keys.into_iter().map(Key::new).collect::<Vec<_>>());
        assert_eq!(emptied_folders("a/b/", &keys), expected);
        assert_eq!(emptied_folders("a/b/", &[]), [[Key::new("a/b/")]]);
    }
}
