//! S3's own nouns as types: a value of one of these is already valid.

mod bucket;
mod prefix;

pub use bucket::{BucketName, BucketNameError};
pub use prefix::{Prefix, PrefixError};
