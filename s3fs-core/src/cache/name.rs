//! What the files of an entry are called.

use std::fmt::Write;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::object::{BucketName, ETag, Key};

/// Bytes of a hash.
pub(super) const HASH: usize = 32;

/// What the name of an index ends in.
pub(super) const INDEX: &str = ".index";

/// What the name of a data file ends in.
pub(super) const DATA: &str = ".data";

/// What names of files that are not finished begin with.
pub(super) const UNFINISHED: &str = "new-";

/// A bucket of a service: the same key elsewhere is another object.
#[derive(Clone, Debug)]
pub struct Space {
    endpoint: String,
    bucket: String,
}

impl Space {
    /// The bucket at an endpoint; AWS if there is none.
    pub fn new(endpoint: Option<&str>, bucket: &BucketName) -> Self {
        let endpoint = endpoint.unwrap_or("aws").trim_end_matches('/');
        Self {
            endpoint: endpoint.to_owned(),
            bucket: bucket.as_str().to_owned(),
        }
    }

    /// One of its objects.
    pub(super) fn object(&self, key: &Key) -> ObjectId {
        ObjectId(hash(&[&self.endpoint, &self.bucket, key.as_str()]))
    }
}

/// An object, whatever its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ObjectId(pub(super) [u8; HASH]);

impl ObjectId {
    /// The subfolder, one of 256.
    pub(super) fn shard(&self) -> String {
        hex::encode(&self.0[..1])
    }

    /// What the names of its files begin with.
    fn stem(&self) -> String {
        hex::encode(&self.0[1..])
    }

    /// The path of its index.
    pub(super) fn index(&self) -> PathBuf {
        PathBuf::from(self.shard()).join(format!("{}{INDEX}", self.stem()))
    }

    /// The path of the data of one of its versions.
    pub(super) fn data(&self, etag: &ETag) -> PathBuf {
        PathBuf::from(self.shard()).join(format!("{}.{}{DATA}", self.stem(), version(etag)))
    }
}

/// The part of a data file's name that says which version it is.
pub(super) fn version(etag: &ETag) -> String {
    hex::encode(&hash(&[&etag.to_string()])[..HASH / 2])
}

/// Of the texts and their lengths, so that no two lists of texts look alike.
fn hash(texts: &[&str]) -> [u8; HASH] {
    let mut framed = String::new();
    for text in texts {
        // Writing into a string cannot fail.
        let _ = write!(framed, "{}:{text}", text.len());
    }
    Sha256::digest(framed).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(endpoint: Option<&str>, bucket: &str, key: &str) -> ObjectId {
        let bucket = BucketName::new(bucket).unwrap();
        Space::new(endpoint, &bucket).object(&Key::new(key))
    }

    #[test]
    fn each_service_bucket_and_key_has_names_of_its_own() {
        let all = [
            object(None, "bucket", "key"),
            object(Some("http://host:1"), "bucket", "key"),
            object(None, "bucket2", "key"),
            object(None, "bucket", "2key"),
            object(None, "bucket", ""),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other.index() != one.index()));
        }
        let slash = object(Some("http://host:1/"), "bucket", "key");
        assert_eq!(slash, all[1]);
    }

    #[test]
    fn versions_share_the_index_and_not_the_data() {
        let object = object(None, "bucket", "key");
        let (a, b) = (ETag::new("a"), ETag::new("b"));
        assert_ne!(object.data(&a), object.data(&b));
        assert_eq!(object.data(&a).parent(), object.index().parent());
    }
}
