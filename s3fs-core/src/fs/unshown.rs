//! Keys that a listing does not show: said once for each folder.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::fs::Fs;
use crate::list::Hidden;
use crate::object::Key;

/// Maximum number of folders of which it is remembered what was said.
const FOLDERS: usize = 4096;

/// Prefixes of the folders of which it was said.
#[derive(Debug, Default)]
pub(super) struct Unshown(Mutex<HashSet<String>>);

impl Unshown {
    /// Whether the number of keys of a folder that are not shown is worth a line: it was not said before.
    fn is_news(&self, prefix: &str, hidden: Hidden) -> bool {
        if hidden == Hidden::default() {
            return false;
        }
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    /// Says once of a folder that was listed how many of its keys are not shown.
    pub(super) fn say_hidden(&self, prefix: &str, hidden: Hidden) {
        if self.unshown.is_news(prefix, hidden) {
            let Hidden { keys, folders } = hidden;
            let folder = self.store.uri(&Key::new(prefix));
            tracing::warn!(
                ?folder,
                keys,
                folders,
                "keys are not shown: no file can have their names, or a folder has them"
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
