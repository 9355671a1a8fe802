//! Attributes of an entry beside its bytes.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::object::{Attributes, Headers, Properties};

/// Time for which properties are used without another request.
const VALID: Duration = Duration::from_secs(1);

/// Attributes of an entry beside its bytes.
#[derive(Clone, Debug, Default)]
pub struct EntryAttrs {
    /// Stored metadata, present or about to be stored; `None` if the store was never asked for it.
    pub stored: Option<StoredAttrs>,
    /// Time of the last access, where a program has set it. Not stored: it lives as long as the
    /// mount.
    pub accessed: Option<SystemTime>,
    /// Time of the last change by this mount of anything but the bytes.
    pub changed: Option<SystemTime>,
    /// Time of this mount's last change of a folder's entries, or the time that a program has set.
    pub modified: Option<SystemTime>,
    /// Time at which the store was last asked for the properties of the object, or took them.
    pub properties_learned: Option<Instant>,
}

/// Metadata stored with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredAttrs {
    /// Mode, owner, times, extended attributes.
    pub attributes: Attributes,
    /// Content type; `None` if it is to be derived from the name.
    pub content_type: Option<String>,
    /// Other properties; `None` for an object of this mount, which has those of its settings.
    pub properties: Option<Arc<Properties>>,
    /// True for a folder's marker object that holds bytes.
    pub is_filled_marker: bool,
}

impl From<&Headers> for StoredAttrs {
    fn from(headers: &Headers) -> Self {
        Self {
            attributes: Attributes::from_metadata(&headers.metadata),
            content_type: headers.content_type.clone(),
            properties: headers.properties.clone(),
            is_filled_marker: false,
        }
    }
}

impl EntryAttrs {
    /// Creates the attributes of an entry that is created here.
    pub fn of(attributes: Attributes) -> Self {
        let now = SystemTime::now();
        Self {
            stored: Some(StoredAttrs {
                attributes,
                content_type: None,
                properties: None,
                is_filled_marker: false,
            }),
            accessed: None,
            changed: Some(now),
            modified: Some(now),
            properties_learned: Some(Instant::now()),
        }
    }

    /// Returns whether the properties of the object were learned within the time for which answers of
    /// the store are used.
    pub fn knows_properties(&self, now: Instant) -> bool {
        let learned = self.properties_learned;
        learned.is_some_and(|learned| now.saturating_duration_since(learned) < VALID)
    }

    /// Returns the stored attributes, if they are known.
    pub fn attributes(&self) -> Option<&Attributes> {
        self.stored.as_ref().map(|stored| &stored.attributes)
    }
}
