//! Server-side encryption of an object.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Server-side encryption of an object, as in the headers `x-amz-server-side-encryption*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// Algorithm.
    pub algorithm: EncryptionAlgorithm,
    /// Key of AWS KMS: its ID, ARN or alias. The account's own key of S3 when absent.
    pub key_id: Option<String>,
    /// True to encrypt with a bucket key, which saves requests to AWS KMS; the bucket's setting when
    /// absent.
    pub bucket_key: Option<bool>,
}

impl Encryption {
    /// Creates encryption with the default key of an algorithm.
    pub fn new(algorithm: EncryptionAlgorithm) -> Self {
        Self {
            algorithm,
            key_id: None,
            bucket_key: None,
        }
    }
}

/// Algorithm of server-side encryption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EncryptionAlgorithm {
    /// Keys of S3 (`AES256`).
    Aes256,
    /// Keys of AWS KMS (`aws:kms`).
    Kms,
    /// Two layers, with keys of AWS KMS (`aws:kms:dsse`).
    KmsDsse,
    /// Another one, which an object has already.
    Other(String),
}

impl EncryptionAlgorithm {
    /// Returns the value of the header.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms => "aws:kms",
            Self::KmsDsse => "aws:kms:dsse",
            Self::Other(name) => name,
        }
    }

    /// Converts the value of a response's header.
    pub(crate) fn from_header(value: Option<&str>) -> Option<Self> {
        let value = value?;
        Some(value.parse().unwrap_or_else(|_| Self::Other(value.into())))
    }
}

/// Name that is no algorithm of server-side encryption.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an encryption\nwrite `AES256`, `aws:kms` or `aws:kms:dsse`")]
pub struct EncryptionAlgorithmError(String);

impl FromStr for EncryptionAlgorithm {
    type Err = EncryptionAlgorithmError;

    fn from_str(name: &str) -> Result<Self, EncryptionAlgorithmError> {
        let all = [Self::Aes256, Self::Kms, Self::KmsDsse];
        let found = all.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| EncryptionAlgorithmError(name.to_owned()))
    }
}

impl fmt::Display for EncryptionAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
