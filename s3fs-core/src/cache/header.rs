//! Header of an index: the identity of an entry.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::format::{MARK, array, checksum, number, put};
use super::name::{HASH, ObjectId};
use crate::object::{ETag, Headers, ObjectMeta};

const MAGIC: &[u8; 8] = b"stub-id2";
const CHECKSUM: usize = MAGIC.len();
const OBJECT: usize = CHECKSUM + 8;
const SIZE: usize = OBJECT + HASH;
const SECONDS: usize = SIZE + 8;
const NANOS: usize = SECONDS + 8;
const SETTLED: usize = NANOS + 4;
const TEXTS: usize = SETTLED + 1;

/// Minimum age at which headers are settled. Servers report times in seconds, and clocks differ:
/// younger headers may be replaced by others with the same time.
const SETTLES_AFTER: Duration = Duration::from_mins(1);

/// Identity of an entry: a version, and the headers last known to be stored with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) object: ObjectId,
    pub(super) meta: ObjectMeta,
    pub(super) headers: Headers,
    /// True if other headers of this version would have another time.
    pub(super) is_settled: bool,
}

impl Header {
    /// Creates a header from a response that has just arrived.
    pub(super) fn new(object: ObjectId, meta: ObjectMeta, headers: Headers) -> Self {
        let age = SystemTime::now().duration_since(meta.modified);
        Self {
            object,
            meta,
            headers,
            is_settled: age.is_ok_and(|age| age >= SETTLES_AFTER),
        }
    }

    /// Encodes the header as stored in the file, up to the mark. Returns `None` if the `ETag` and the
    /// headers are longer than S3's can be.
    pub(super) fn encode(&self) -> Option<[u8; MARK]> {
        let mut bytes = [0; MARK];
        let since = self.meta.modified.duration_since(UNIX_EPOCH);
        let since = since.unwrap_or(Duration::ZERO);
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, OBJECT, &self.object.0);
        put(&mut bytes, SIZE, &self.meta.size.to_le_bytes());
        put(&mut bytes, SECONDS, &since.as_secs().to_le_bytes());
        put(&mut bytes, NANOS, &since.subsec_nanos().to_le_bytes());
        put(&mut bytes, SETTLED, &[u8::from(self.is_settled)]);
        let texts = self.texts()?;
        if texts.len() > MARK - TEXTS {
            return None;
        }
        put(&mut bytes, TEXTS, &texts);
        let sum = checksum(&bytes[OBJECT..]);
        put(&mut bytes, CHECKSUM, &sum.to_le_bytes());
        Some(bytes)
    }

    /// Decodes a header; `None` unless it is intact and of this object.
    pub(super) fn decode(bytes: &[u8; MARK], object: ObjectId) -> Option<Self> {
        let sound = bytes.starts_with(MAGIC)
            && number(bytes, CHECKSUM) == checksum(&bytes[OBJECT..])
            && bytes[OBJECT..SIZE] == object.0;
        if !sound {
            return None;
        }
        let nanos = u32::from_le_bytes(array(bytes, NANOS));
        let since = Duration::new(number(bytes, SECONDS), nanos);
        let mut texts = Texts(&bytes[TEXTS..]);
        let etag = ETag::new(texts.take()?);
        let content_type = texts.take()?;
        let properties = match texts.take()? {
            "" => None,
            text => Some(serde_json::from_str(text).ok()?),
        };
        let mut metadata = BTreeMap::new();
        while let Some(name) = texts.take().filter(|name| !name.is_empty()) {
            metadata.insert(name.to_owned(), texts.take()?.to_owned());
        }
        Some(Self {
            object,
            meta: ObjectMeta {
                size: number(bytes, SIZE),
                modified: UNIX_EPOCH.checked_add(since)?,
                etag,
            },
            headers: Headers {
                content_type: (!content_type.is_empty()).then(|| content_type.to_owned()),
                metadata,
                properties,
            },
            is_settled: bytes[SETTLED] == 1,
        })
    }

    /// Returns whether both headers are of the same bytes.
    pub(super) fn is_of_same_bytes(&self, other: &Self) -> bool {
        let bytes = |header: &Self| (header.object, header.meta.size, header.meta.etag.clone());
        bytes(self) == bytes(other)
    }

    /// Returns whether it has newer headers than the other one of the same bytes.
    pub(super) fn is_later_than(&self, other: &Self) -> bool {
        let known = |header: &Self| (header.meta.modified, header.is_settled);
        known(self) > known(other)
    }

    /// Encodes texts with their lengths: the `ETag`, the type, the properties as JSON, and the names
    /// and values of the metadata.
    fn texts(&self) -> Option<Vec<u8>> {
        let tag = self.meta.etag.to_string();
        let content_type = self.headers.content_type.as_deref().unwrap_or_default();
        let metadata = &self.headers.metadata;
        // What ends the list.
        if tag.is_empty() || metadata.contains_key("") {
            return None;
        }
        let properties = match &self.headers.properties {
            Some(properties) => serde_json::to_string(&**properties).ok()?,
            None => String::new(),
        };
        let pairs = metadata.iter().flat_map(|(name, value)| [name, value]);
        let mut bytes = Vec::new();
        let first = [&*tag, content_type, &properties];
        for text in first.into_iter().chain(pairs.map(|s| &**s)) {
            bytes.extend(u16::try_from(text.len()).ok()?.to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        Some(bytes)
    }
}

/// Sequence of texts with their lengths.
struct Texts<'a>(&'a [u8]);

impl<'a> Texts<'a> {
    /// Takes the next text; `None` at the end.
    fn take(&mut self) -> Option<&'a str> {
        let (length, rest) = self.0.split_first_chunk()?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (text, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::object::{Properties, Tags};

    fn header(tag: &str) -> Header {
        let headers = Headers {
            content_type: Some("text/plain".into()),
            metadata: [
                ("mode", "33188"),
                ("empty", ""),
                ("ü", "=?UTF-8?Q?=C3=BC?="),
            ]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
            properties: Some(Arc::new(Properties {
                storage_class: Some("STANDARD_IA".into()),
                tags: Tags::Counted(2),
                ..Properties::default()
            })),
        };
        let meta = ObjectMeta {
            size: 3 << 20,
            modified: UNIX_EPOCH + Duration::new(1_700_000_000, 5),
            etag: ETag::new(tag),
        };
        Header::new(ObjectId([7; HASH]), meta, headers)
    }

    /// Returns whether a header with this much metadata decodes to itself.
    fn is_kept(name: usize, value: usize) -> bool {
        let mut header = header("d41d8cd98f00b204e9800998ecf8427e-12");
        let pair = ("n".repeat(name), "v".repeat(value));
        header.headers.metadata = [pair].into();
        let bytes = header.encode();
        bytes.is_some_and(|bytes| Header::decode(&bytes, header.object) == Some(header))
    }

    #[test]
    fn a_header_comes_back_as_it_was() {
        let mut header = header("d41d8cd98f00b204e9800998ecf8427e-12");
        assert!(header.is_settled);
        for headers in [header.headers.clone(), Headers::default()] {
            header = Header { headers, ..header };
            header.is_settled = !header.is_settled;
            let bytes = header.encode().unwrap();
            assert_eq!(
                Header::decode(&bytes, header.object).as_ref(),
                Some(&header)
            );
        }
    }

    #[test]
    fn a_header_of_another_object_or_with_any_bit_flipped_is_none() {
        let header = header("tag");
        let bytes = header.encode().unwrap();
        assert_eq!(Header::decode(&bytes, ObjectId([8; HASH])), None);
        for at in 0..MARK {
            let mut bytes = bytes;
            bytes[at] ^= 1;
            assert_eq!(Header::decode(&bytes, header.object), None, "{at}");
        }
    }

    #[test]
    fn what_no_server_has_is_not_kept() {
        assert!(header(&"x".repeat(300)).encode().is_some());
        assert!(header(&"x".repeat(4000)).encode().is_none());
        assert!(header("").encode().is_none());
        assert!(is_kept(100, 1948), "the most that S3 stores");
        let most = (1..MARK).rev().find(|length| is_kept(9, *length)).unwrap();
        assert!(is_kept(9, most - 1) && !is_kept(9, most + 1));
        assert!(!is_kept(0, 1));
    }

    #[test]
    fn headers_are_settled_when_no_others_can_have_their_time() {
        let mut young = header("tag");
        young.meta.modified = SystemTime::now();
        let young = Header::new(young.object, young.meta, young.headers);
        assert!(!young.is_settled);
        let settled = Header {
            is_settled: true,
            ..young.clone()
        };
        assert!(settled.is_later_than(&young) && !young.is_later_than(&settled));
        assert!(young.is_later_than(&header("tag")));
        assert!(!young.is_later_than(&young));
    }
}
