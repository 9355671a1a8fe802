//! Folder marker of this mount, whose metadata a server may have lost.

use std::sync::{Mutex, PoisonError};

use crate::object::{Headers, Key};

/// Key of the last marker that was stored with metadata, until the server shows it.
#[derive(Debug, Default)]
pub(super) struct OwnMarker(Mutex<Option<Key>>);

impl OwnMarker {
    /// Records that the server has stored a marker.
    pub(super) fn stored(&self, key: &Key, headers: &Headers) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (!headers.metadata.is_empty()).then(|| key.clone());
    }

    /// Returns whether the server shows no metadata of the marker, with these headers of any object.
    pub(super) fn has_lost_metadata(&self, key: &Key, shown: &Headers) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() != Some(key) {
            return false;
        }
        *last = None;
        shown.metadata.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_lost_if_the_marker_that_had_some_shows_none() {
        let (marker, other) = (Key::new("d/"), Key::new("e/"));
        let none = Headers::default();
        let some = Headers {
            metadata: [("mode".into(), "040700".into())].into(),
            ..Headers::default()
        };
        let own = OwnMarker::default();
        assert!(!own.has_lost_metadata(&marker, &none));
        own.stored(&marker, &some);
        assert!(!own.has_lost_metadata(&other, &none));
        assert!(own.has_lost_metadata(&marker, &none));
        own.stored(&marker, &some);
        assert!(!own.has_lost_metadata(&marker, &some));
        own.stored(&marker, &none);
        assert!(!own.has_lost_metadata(&marker, &none));
    }
}
