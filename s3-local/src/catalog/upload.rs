//! An unfinished multipart upload and its parts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Headers, Key};
use crate::content::Content;
use crate::digest::{Checksum, ChecksumAlgorithm, ChecksumKind};

/// Uploaded part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part<C = Content> {
    pub(crate) content: C,
    pub(crate) size: u64,
    /// `ETag` of 32 hex digits, without the quotes.
    pub(crate) etag: String,
    pub(crate) modified: i64,
    pub(crate) checksum: Option<Checksum>,
}

/// Upload between its creation and its completion or abort.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Upload<C = Content> {
    pub(crate) key: Key,
    pub(crate) initiated: i64,
    pub(crate) headers: Headers,
    /// Algorithm and kind of the finished object's checksum.
    pub(crate) checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
    pub(crate) parts: BTreeMap<u16, Part<C>>,
}

impl<C> Part<C> {
    pub(crate) fn try_map<D, E>(self, map: impl FnOnce(C) -> Result<D, E>) -> Result<Part<D>, E> {
        let Part {
            content,
            size,
            etag,
            modified,
            checksum,
        } = self;
        Ok(Part {
            content: map(content)?,
            size,
            etag,
            modified,
            checksum,
        })
    }
}

impl<C> Upload<C> {
    pub(crate) fn try_map<D, E>(
        self,
        mut map: impl FnMut(C) -> Result<D, E>,
    ) -> Result<Upload<D>, E> {
        let Upload {
            key,
            initiated,
            headers,
            checksum,
            parts,
        } = self;
        let parts = parts
            .into_iter()
            .map(|(number, part)| Ok((number, part.try_map(&mut map)?)));
        Ok(Upload {
            key,
            initiated,
            headers,
            checksum,
            parts: parts.collect::<Result<_, E>>()?,
        })
    }
}
