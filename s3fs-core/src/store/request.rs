//! What requests to a store carry and return.

use crate::object::{ByteRange, ETag, Headers, Key, ObjectMeta};
use crate::store::GetBody;

/// Which keys to list.
#[derive(Clone, Copy, Debug)]
pub struct ListRequest<'a> {
    /// Only keys that begin with this.
    pub prefix: &'a str,
    /// Fold what follows the first `/` after the prefix into one common prefix.
    pub folded: bool,
    /// Where the page begins.
    pub from: ListFrom<'a>,
    /// At most so many keys and common prefixes; S3 never returns more than 1000.
    pub max_keys: u16,
}

/// Where a page of a listing begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFrom<'a> {
    /// With the first key.
    Beginning,
    /// Where the page with this [`next`](ListPage::next) ended.
    Continuation(&'a str),
    /// With the first key behind this one, which need not exist.
    After(&'a str),
}

/// One page of a listing; both lists are in order of UTF-8 bytes.
#[derive(Clone, Debug, Default)]
pub struct ListPage {
    /// Objects.
    pub objects: Vec<ListedObject>,
    /// Common prefixes, each ending in `/`.
    pub prefixes: Vec<String>,
    /// Where the next page begins; nothing on the last one.
    pub next: Option<String>,
}

impl ListPage {
    /// The first key or common prefix.
    pub fn first(&self) -> Option<&str> {
        let object = self.objects.first().map(|object| object.key.as_str());
        let prefix = self.prefixes.first().map(String::as_str);
        match (object, prefix) {
            (Some(object), Some(prefix)) => Some(object.min(prefix)),
            (object, prefix) => object.or(prefix),
        }
    }

    /// Whether objects and common prefixes are in order, each for itself. Between the two, a page does
    /// not show it.
    pub fn is_ordered(&self) -> bool {
        self.objects.is_sorted_by(|a, b| a.key < b.key) && self.prefixes.is_sorted_by(|a, b| a < b)
    }

    /// All keys and common prefixes, in no particular order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let keys = self.objects.iter().map(|object| object.key.as_str());
        keys.chain(self.prefixes.iter().map(String::as_str))
    }

    /// The last key or common prefix.
    pub fn last(&self) -> Option<&str> {
        let object = self.objects.last().map(|object| object.key.as_str());
        object.max(self.prefixes.last().map(String::as_str))
    }
}

/// An object in a listing.
#[derive(Clone, Debug)]
pub struct ListedObject {
    /// Its whole key.
    pub key: String,
    /// Its present version.
    pub meta: ObjectMeta,
}

/// Which version of an object a GET is about; the server checks it together with the read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Whatever is there now.
    Any,
    /// This one (`If-Match`); else [`PreconditionFailed`](crate::store::StoreErrorKind::PreconditionFailed).
    Is(&'a ETag),
    /// Any but this one (`If-None-Match`), which is here already; else
    /// [`NotModified`](crate::store::StoreErrorKind::NotModified).
    IsNot(&'a ETag),
}

impl<'a> Condition<'a> {
    /// The value of `If-Match`.
    pub fn if_match(self) -> Option<&'a ETag> {
        match self {
            Self::Is(etag) => Some(etag),
            Self::Any | Self::IsNot(_) => None,
        }
    }

    /// The value of `If-None-Match`.
    pub fn if_none_match(self) -> Option<&'a ETag> {
        match self {
            Self::IsNot(etag) => Some(etag),
            Self::Any | Self::Is(_) => None,
        }
    }
}

/// What is known of an object, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its present version.
    pub meta: ObjectMeta,
    /// What is stored with it.
    pub headers: Headers,
}

impl Described {
    /// Returns whether the object can only be what a request with these headers and this many bytes
    /// stored: no two clients write a file of one size at the same nanosecond. Metadata that was added
    /// since, by the server or another client, leaves it the same.
    pub(crate) fn is_from(&self, headers: &Headers, size: u64) -> bool {
        let sent = &headers.metadata;
        let has = |(name, value)| self.headers.metadata.get(name) == Some(value);
        self.meta.size == size && !sent.is_empty() && sent.iter().all(has)
    }
}

/// The head of a GET's response, and its bytes to come.
#[derive(Debug)]
pub struct GetResponse {
    /// The version that is being sent; `size` is the whole object's.
    pub meta: ObjectMeta,
    /// What is stored with it.
    pub headers: Headers,
    /// Which of its bytes follow; nothing if it is empty.
    pub range: Option<ByteRange>,
    /// The bytes.
    pub body: GetBody,
}

/// What must hold for a write to be done; the server checks it together with the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The last writer wins.
    None,
    /// No object has this key (`If-None-Match: *`).
    Absent,
    /// The object has this version (`If-Match`); else
    /// [`PreconditionFailed`](crate::store::StoreErrorKind::PreconditionFailed), or
    /// [`NoSuchKey`](crate::store::StoreErrorKind::NoSuchKey) if there is none.
    Is(ETag),
}

/// A multipart upload that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UploadId(pub String);

/// The number of a part: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(pub u16);

/// The receipt for a part, to be handed back when the upload is completed.
#[derive(Clone, Debug)]
pub struct PartTag {
    /// Its number.
    pub number: PartNumber,
    /// Its tag.
    pub etag: ETag,
    /// Its CRC32 in base64, where the server computed one.
    pub crc32: Option<String>,
}

/// The most bytes that a store copies in one request.
pub const MAX_COPY: u64 = 5 << 30;

/// A range of a stored object.
#[derive(Clone, Copy, Debug)]
pub struct CopySource<'a> {
    /// The object.
    pub key: &'a Key,
    /// The version it must still have.
    pub etag: &'a ETag,
    /// The bytes.
    pub range: ByteRange,
}
