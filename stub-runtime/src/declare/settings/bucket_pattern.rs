//! Names of buckets in the file.

use std::borrow::Borrow;

use serde::Deserialize;

/// Bucket name, or pattern of bucket names: `*` is any text, `?` any character.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
pub(super) struct BucketPattern(String);

impl TryFrom<String> for BucketPattern {
    type Error = &'static str;

    fn try_from(pattern: String) -> Result<Self, Self::Error> {
        // No bucket has these in its name. In other languages of patterns they mean something.
        if pattern.contains(['[', ']', '{', '}', '!', '\\']) {
            return Err("the only wildcards in the name of a bucket are * and ?");
        }
        Ok(Self(pattern))
    }
}

impl BucketPattern {
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for BucketPattern {
    fn borrow(&self) -> &str {
        &self.0
    }
}
