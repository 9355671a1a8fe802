//! Names of the files of an entry.

use std::fmt::Write;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::object::{BucketName, ETag, Key};

/// Length of a hash, in bytes.
pub(super) const HASH: usize = 32;

/// Suffix of the names of index files.
pub(super) const INDEX: &str = ".index";

/// Suffix of the names of data files.
pub(super) const DATA: &str = ".data";

/// Prefix of the names of unfinished files.
pub(super) const UNFINISHED: &str = "new-";

/// Bucket of a service: the same key in another bucket is another object.
#[derive(Clone, Debug)]
pub struct Space {
    endpoint: String,
    bucket: String,
}

impl Space {
    /// Creates the space of a bucket at an endpoint; AWS if there is none.
    pub fn new(endpoint: Option<&str>, bucket: &BucketName) -> Self {
        let endpoint = endpoint.unwrap_or("aws").trim_end_matches('/');
        Self {
            endpoint: endpoint.to_owned(),
            bucket: bucket.as_str().to_owned(),
        }
    }

    /// Returns the identity of an object in it.
    pub(super) fn object(&self, key: &Key) -> ObjectId {
        ObjectId(hash(&[&self.endpoint, &self.bucket, key.as_str()]))
    }
}

/// Identity of an object, independent of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ObjectId(pub(super) [u8; HASH]);

impl ObjectId {
    /// Returns the name of the object's subfolder, one of 256.
    pub(super) fn shard(&self) -> String {
        hex::encode(&self.0[..1])
    }

    /// Returns the prefix of the names of its files.
    fn stem(&self) -> String {
        hex::encode(&self.0[1..])
    }

    /// Returns the path of its index.
    pub(super) fn index(&self) -> PathBuf {
        PathBuf::from(self.shard()).join(format!("{}{INDEX}", self.stem()))
    }

    /// Returns the path of the data of one of its versions.
    pub(super) fn data(&self, etag: &ETag) -> PathBuf {
        PathBuf::from(self.shard()).join(format!("{}.{}{DATA}", self.stem(), version(etag)))
    }
}

/// Returns the part of a data file's name that identifies the version.
pub(super) fn version(etag: &ETag) -> String {
    hex::encode(&hash(&[&etag.to_string()])[..HASH / 2])
}

/// Hashes the texts with their lengths, so that different lists of texts differ.
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
