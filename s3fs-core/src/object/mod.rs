//! Types for the terms of S3: each value is already valid.

mod access_point;
mod attributes;
mod bucket;
mod chain;
mod content_type;
mod encryption;
mod headers;
mod iam;
mod key;
mod meta;
mod name;
mod prefix;
mod properties;
mod range;
mod reference;
mod shown;

pub use attributes::{Attributes, FileKind, MAX_METADATA, metadata_size};
pub use bucket::{BucketKind, BucketName, BucketNameError};
pub(crate) use chain::{caused_by, causes};
pub use chain::{chain, chain_in_one_line};
pub use content_type::content_type;
pub use encryption::{Encryption, EncryptionAlgorithm, EncryptionAlgorithmError};
pub use headers::Headers;
pub use iam::partition;
pub use key::Key;
pub use meta::{ETag, ObjectMeta};
pub use name::EntryName;
pub use prefix::{Prefix, PrefixError};
pub use properties::{Properties, TagMap, Tags};
pub use range::ByteRange;
pub use reference::ObjectRef;
pub use shown::Shown;
