//! An object: its bytes and everything S3 says about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::digest::Checksum;

/// The headers a client chose when it stored the object, given back with every read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    /// Seconds since 1970.
    pub(crate) expires: Option<i64>,
    pub(crate) storage_class: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// One object; `C` is its content in memory, or what the journal writes down about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Object<C = Content> {
    pub(crate) content: C,
    pub(crate) size: u64,
    /// Without the quotes.
    pub(crate) etag: String,
    /// Seconds since 1970, as S3 keeps it: listings and headers then agree.
    pub(crate) modified: i64,
    pub(crate) headers: Headers,
    pub(crate) checksum: Option<Checksum>,
}

impl<C> Object<C> {
    pub(crate) fn try_map<D, E>(self, map: impl FnOnce(C) -> Result<D, E>) -> Result<Object<D>, E> {
        let Object {
            content,
            size,
            etag,
            modified,
            headers,
            checksum,
        } = self;
        Ok(Object {
            content: map(content)?,
            size,
            etag,
            modified,
            headers,
            checksum,
        })
    }
}
