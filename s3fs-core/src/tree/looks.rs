//! What is kept of an entry beside its bytes.

use std::time::SystemTime;

use crate::object::{Attributes, Headers};

/// What is kept of an entry beside its bytes.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// What the bucket keeps, or will keep once it is stored; nothing if the bucket was never asked.
    pub kept: Option<Kept>,
    /// Last access, where a program has set it. Lives as long as the mount.
    pub accessed: Option<SystemTime>,
    /// Last change of anything but the bytes, by this mount.
    pub changed: Option<SystemTime>,
    /// Last change of a folder's entries by this mount, or what a program has set it to.
    pub modified: Option<SystemTime>,
}

/// What a bucket keeps with an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Mode, owner, times, extended attributes.
    pub attributes: Attributes,
    /// The type of its content; nothing if it is to follow from the name.
    pub content_type: Option<String>,
    /// The object is a folder's, and holds bytes.
    pub is_filled_marker: bool,
}

impl From<&Headers> for Kept {
    fn from(headers: &Headers) -> Self {
        Self {
            attributes: Attributes::from_metadata(&headers.metadata),
            content_type: headers.content_type.clone(),
            is_filled_marker: false,
        }
    }
}

impl Looks {
    /// Of an entry that is made here.
    pub fn of(attributes: Attributes) -> Self {
        let now = SystemTime::now();
        Self {
            kept: Some(Kept {
                attributes,
                content_type: None,
                is_filled_marker: false,
            }),
            accessed: None,
            changed: Some(now),
            modified: Some(now),
        }
    }

    /// The attributes, as far as they are known.
    pub fn attributes(&self) -> Option<&Attributes> {
        self.kept.as_ref().map(|kept| &kept.attributes)
    }
}
