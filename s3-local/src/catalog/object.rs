//! Object: its content, headers and checksum.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::digest::Checksum;

/// Headers that the client set when it stored the object, returned with every read.
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
    pub(crate) website_redirect: Option<String>,
    pub(crate) encryption: Option<Encryption>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Server-side encryption that the client asked for. The bytes are stored as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    pub(crate) algorithm: String,
    pub(crate) key_id: Option<String>,
    pub(crate) bucket_key: Option<bool>,
}

/// Object of a bucket; `C` is its content in memory or as written to the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Object<C = Content> {
    pub(crate) content: C,
    pub(crate) size: u64,
    /// `ETag` without the quotes.
    pub(crate) etag: String,
    /// Seconds since 1970, the resolution of S3: listings and headers then agree.
    pub(crate) modified: i64,
    pub(crate) headers: Headers,
    pub(crate) checksum: Option<Checksum>,
    /// Number of parts it was made of.
    #[serde(default = "one")]
    pub(crate) parts: u32,
}

fn one() -> u32 {
    1
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
            parts,
        } = self;
        Ok(Object {
            content: map(content)?,
            size,
            etag,
            modified,
            headers,
            checksum,
            parts,
        })
    }
}
