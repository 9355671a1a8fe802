//! Warnings about keys that a listing does not show, one for each folder.

use std::collections::HashSet;

use crate::fs::Fs;
use crate::list::Hidden;
use crate::object::Key;
use crate::ordered::{LAST, Ordered};

/// Maximum number of folders that are remembered as reported.
const FOLDERS: usize = 4096;

/// Prefixes of the folders that were reported.
#[derive(Debug, Default)]
pub(super) struct Unshown(Ordered<HashSet<String>, LAST>);

impl Unshown {
    /// Returns whether to report the hidden keys of a folder: it has some, and was not reported
    /// before.
    fn is_news(&self, prefix: &str, hidden: Hidden) -> bool {
        if hidden == Hidden::default() {
            return false;
        }
        let mut said = self.0.lock();
        if said.contains(prefix) {
            return false;
        }
        if said.len() >= FOLDERS {
            said.clear();
        }
        said.insert(prefix.to_owned())
    }
}

impl Fs {
    /// Logs the number of hidden keys of a listed folder, once for each folder.
    pub(super) fn say_hidden(&self, prefix: &str, hidden: Hidden) {
        if self.unshown.is_news(prefix, hidden) {
            let Hidden { keys, folders } = hidden;
            let folder = self.core.store.uri(&Key::new(prefix));
            tracing::warn!(
                ?folder,
                keys,
                folders,
                "keys hidden: invalid as file names, or hidden by a folder of the same name"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_news_once() {
        let (unshown, some) = (
            Unshown::default(),
            Hidden {
                keys: 1,
                folders: 0,
            },
        );
        assert!(!unshown.is_news("d/", Hidden::default()));
        assert!(unshown.is_news("d/", some) && !unshown.is_news("d/", some));
        assert!(unshown.is_news("e/", some));
        for n in 0..FOLDERS {
            assert!(unshown.is_news(&n.to_string(), some));
        }
    }
}
