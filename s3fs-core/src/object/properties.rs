//! Properties of an object that no attribute of a file shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::object::Encryption;

/// Properties of an object that no attribute of a file shows. They stay while the file changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Properties {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`, without the encoding of the transfer.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`, as the server sent it.
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect: Option<String>,
    /// Storage class; `STANDARD` when absent.
    pub storage_class: Option<String>,
    /// Server-side encryption, if the server tells it.
    pub encryption: Option<Encryption>,
    /// Tags.
    pub tags: Tags,
}

/// Tags by their names.
pub type TagMap = BTreeMap<String, String>;

/// Tags of an object, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tags {
    /// None were shown. Servers hide them from callers who may not read them.
    #[default]
    Unshown,
    /// Number of tags that were shown and not read.
    Counted(u32),
    /// Names and values.
    Read(TagMap),
}
