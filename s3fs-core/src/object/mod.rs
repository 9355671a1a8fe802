//! S3's own nouns as types: a value of one of these is already valid.

mod bucket;
mod headers;
mod key;
mod meta;
mod name;
mod prefix;
mod range;

pub use bucket::{BucketName, BucketNameError};
pub use headers::Headers;
pub use key::Key;
pub use meta::{ETag, ObjectMeta};
pub use name::EntryName;
pub use prefix::{Prefix, PrefixError};
pub use range::ByteRange;
