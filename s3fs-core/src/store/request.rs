//! Values that requests to a store carry and return.

use std::time::Duration;

use crate::object::{ByteRange, ETag, Headers, Key, ObjectMeta, Properties};
use crate::store::GetBody;

/// Parameters of one page of a listing.
#[derive(Clone, Copy, Debug)]
pub struct ListRequest<'a> {
    /// Prefix of all keys to list.
    pub prefix: &'a str,
    /// Folds everything after the first `/` behind the prefix into one common prefix.
    pub folded: bool,
    /// Start of the page.
    pub from: ListFrom<'a>,
    /// Maximum number of keys and common prefixes; S3 never returns more than 1000.
    pub max_keys: u16,
}

/// Start of a page of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFrom<'a> {
    /// First key.
    Beginning,
    /// Token in [`next`](ListPage::next) of the page before.
    Continuation(&'a str),
    /// First key after this one, which need not exist.
    After(&'a str),
}

impl<'a> ListFrom<'a> {
    /// Returns the start of the page behind another, which has this token in [`next`](ListPage::next).
    /// Without a token, it is the first page.
    pub fn following(next: Option<&'a str>) -> Self {
        next.map_or(Self::Beginning, Self::Continuation)
    }
}

/// Page of a listing; both lists are in order of UTF-8 bytes.
#[derive(Clone, Debug, Default)]
pub struct ListPage {
    /// Objects.
    pub objects: Vec<ListedObject>,
    /// Common prefixes, each ending in `/`.
    pub prefixes: Vec<String>,
    /// Token of the next page; `None` on the last page.
    pub next: Option<String>,
}

impl ListPage {
    /// Returns the first key or common prefix.
    pub fn first(&self) -> Option<&str> {
        let object = self.objects.first().map(|object| object.key.as_str());
        let prefix = self.prefixes.first().map(String::as_str);
        match (object, prefix) {
            (Some(object), Some(prefix)) => Some(object.min(prefix)),
            (object, prefix) => object.or(prefix),
        }
    }

    /// Returns whether the objects are in order and the common prefixes are in order. A page does
    /// not show the order between the two.
    pub fn is_ordered(&self) -> bool {
        self.objects.is_sorted_by(|a, b| a.key < b.key) && self.prefixes.is_sorted_by(|a, b| a < b)
    }

    /// Returns all keys and common prefixes, in no particular order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let keys = self.objects.iter().map(|object| object.key.as_str());
        keys.chain(self.prefixes.iter().map(String::as_str))
    }

    /// Sorts both lists, of a store that lists in no order.
    pub fn sort(&mut self) {
        self.objects.sort_by(|a, b| a.key.cmp(&b.key));
        self.prefixes.sort();
    }

    /// Drops keys and common prefixes that do not begin with `prefix`.
    pub fn retain(&mut self, prefix: &str) {
        self.objects.retain(|object| object.key.starts_with(prefix));
        self.prefixes.retain(|it| it.starts_with(prefix));
    }

    /// Returns the last key or common prefix.
    pub fn last(&self) -> Option<&str> {
        let object = self.objects.last().map(|object| object.key.as_str());
        object.max(self.prefixes.last().map(String::as_str))
    }
}

/// Object in a listing.
#[derive(Clone, Debug)]
pub struct ListedObject {
    /// Full key.
    pub key: String,
    /// Current version.
    pub meta: ObjectMeta,
}

/// Condition on the version that a GET reads. The server checks it together with the read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Any version.
    Any,
    /// Only this version (`If-Match`); otherwise
    /// [`PreconditionFailed`](crate::store::StoreErrorKind::PreconditionFailed).
    Is(&'a ETag),
    /// Any version but this one, which the caller has already (`If-None-Match`); otherwise
    /// [`NotModified`](crate::store::StoreErrorKind::NotModified).
    IsNot(&'a ETag),
}

impl<'a> Condition<'a> {
    /// Returns the value of `If-Match`.
    pub fn if_match(self) -> Option<&'a ETag> {
        match self {
            Self::Is(etag) => Some(etag),
            Self::Any | Self::IsNot(_) => None,
        }
    }

    /// Returns the value of `If-None-Match`.
    pub fn if_none_match(self) -> Option<&'a ETag> {
        match self {
            Self::IsNot(etag) => Some(etag),
            Self::Any | Self::Is(_) => None,
        }
    }
}

/// Attributes and headers of an object, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Current version.
    pub meta: ObjectMeta,
    /// Stored headers.
    pub headers: Headers,
}

impl Described {
    /// Returns whether the object must come from a request with these headers and this many bytes.
    /// No two clients write a file of one size at the same nanosecond. Metadata added later, by the
    /// server or another client, makes no difference.
    pub(crate) fn is_from(&self, headers: &Headers, size: u64) -> bool {
        let sent = &headers.metadata;
        let has = |(name, value)| self.headers.metadata.get(name) == Some(value);
        self.meta.size == size && !sent.is_empty() && sent.iter().all(has)
    }
}

/// Head of a GET's response, and its body.
#[derive(Debug)]
pub struct GetResponse {
    /// Version that is sent; `size` is the size of the whole object.
    pub meta: ObjectMeta,
    /// Stored headers.
    pub headers: Headers,
    /// Byte range of the body; `None` if the body is empty.
    pub range: Option<ByteRange>,
    /// Time from sending the request to its response; `None` if the body comes from this machine.
    pub wait: Option<Duration>,
    /// Body.
    pub body: GetBody,
}

/// Precondition of a write. The server checks it together with the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// No precondition: the last writer wins.
    None,
    /// No object has this key (`If-None-Match: *`).
    Absent,
    /// The object has this version (`If-Match`); otherwise
    /// [`PreconditionFailed`](crate::store::StoreErrorKind::PreconditionFailed), or
    /// [`NoSuchKey`](crate::store::StoreErrorKind::NoSuchKey) if there is no object.
    Is(ETag),
}

/// ID of a multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UploadId(pub String);

/// Part number: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(pub u16);

/// Result of uploading a part, required to complete the upload.
#[derive(Clone, Debug)]
pub struct PartTag {
    /// Part number.
    pub number: PartNumber,
    /// Part ETag.
    pub etag: ETag,
    /// Checksum, if the server computed one.
    pub checksum: Option<PartChecksum>,
}

/// Checksum algorithm of uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    /// CRC-32.
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
}

/// Checksum of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartChecksum {
    /// Algorithm.
    pub algorithm: ChecksumAlgorithm,
    /// Value in base64.
    pub value: String,
}

/// Headers of a copy.
#[derive(Clone, Copy, Debug)]
pub enum CopiedHeaders<'a> {
    /// All of the source, which the store asks for its properties.
    Source,
    /// All of the source, which has these properties; `None` if this mount has made it, with those
    /// of the mount's settings.
    Known(Option<&'a Properties>),
    /// These, and the tags of the source: it is the same object with other headers.
    Changed(&'a Headers),
    /// These, with their own tags: it is another object.
    Other(&'a Headers),
}

impl<'a> CopiedHeaders<'a> {
    /// Returns the headers that replace those of the source.
    pub fn replacing(self) -> Option<&'a Headers> {
        match self {
            Self::Source | Self::Known(_) => None,
            Self::Changed(headers) | Self::Other(headers) => Some(headers),
        }
    }
}

/// Maximum number of bytes that a store copies in one request.
pub const MAX_COPY: u64 = 5 << 30;

/// Range of a stored object, as the source of a copy.
#[derive(Clone, Copy, Debug)]
pub struct CopySource<'a> {
    /// Key of the object.
    pub key: &'a Key,
    /// Version that the object must still have.
    pub etag: &'a ETag,
    /// Byte range.
    pub range: ByteRange,
}
