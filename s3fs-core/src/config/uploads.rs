//! Settings of the objects that a mount writes.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::object::{Encryption, TagMap};

/// Settings of the objects that a mount writes.
///
/// Encryption and ACL go with every object that is written, since policies of buckets demand them.
/// Storage class and tags are those of new objects: an object that is changed keeps its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadSettings {
    /// Encryption; when absent, objects keep theirs, and new ones have the bucket's default.
    pub encryption: Option<Encryption>,
    /// Storage class of new objects, such as `STANDARD_IA`; `STANDARD` when absent.
    pub storage_class: Option<String>,
    /// Canned ACL, such as `bucket-owner-full-control`; the account's default when absent.
    pub acl: Option<String>,
    /// Tags of new objects.
    pub tags: TagMap,
    /// Checksum of uploads; when absent, CRC32 on Amazon's servers and none on others.
    pub checksum: Option<UploadChecksum>,
}

/// Checksum that is sent with uploads, and that the server verifies and stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UploadChecksum {
    /// CRC-32.
    Crc32,
    /// CRC-32C (Castagnoli).
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// None.
    Off,
}

impl UploadChecksum {
    /// Returns the name in settings and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Off => "off",
        }
    }
}

/// Name that is no checksum of uploads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a checksum\nwrite `CRC32`, `CRC32C`, `CRC64NVME` or `off`")]
pub struct UploadChecksumError(String);

impl FromStr for UploadChecksum {
    type Err = UploadChecksumError;

    fn from_str(name: &str) -> Result<Self, UploadChecksumError> {
        let all = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Off];
        let found = all
            .into_iter()
            .find(|it| it.as_str().eq_ignore_ascii_case(name));
        found.ok_or_else(|| UploadChecksumError(name.to_owned()))
    }
}
