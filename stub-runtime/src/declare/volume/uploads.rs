//! Options of the objects that a volume writes, and of the account that owns its bucket.

use s3fs_core::{Encryption, EncryptionAlgorithm, UploadChecksum, UploadSettings};

use super::tags;
use super::{CloudBucketMount, VolumeError};

/// Canned ACLs of objects.
const ACLS: [&str; 7] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];

/// Number of digits of an account's ID.
const ACCOUNT_DIGITS: usize = 12;

/// Options of the objects that a volume writes, as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadOptions {
    /// Encryption: `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub sse: Option<String>,
    /// Key of AWS KMS.
    pub sse_kms_key_id: Option<String>,
    /// True to encrypt with a bucket key.
    pub bucket_key: Option<bool>,
    /// Storage class of new objects.
    pub storage_class: Option<String>,
    /// Canned ACL.
    pub acl: Option<String>,
    /// Tags of new objects, in any order.
    pub tags: Option<Vec<(String, String)>>,
    /// Checksum: `CRC32`, `CRC32C`, `CRC64NVME` or `off`.
    pub checksum: Option<String>,
}

impl UploadOptions {
    /// Takes absent options from a lower layer. Tags are one option, and so is an encryption with
    /// its key: a lower layer's key may not fit to it.
    pub(super) fn or(self, lower: Self) -> Self {
        let (sse_kms_key_id, bucket_key) = if self.sse.is_some() {
            (self.sse_kms_key_id, self.bucket_key)
        } else {
            (
                self.sse_kms_key_id.or(lower.sse_kms_key_id),
                self.bucket_key.or(lower.bucket_key),
            )
        };
        Self {
            sse: self.sse.or(lower.sse),
            sse_kms_key_id,
            bucket_key,
            storage_class: self.storage_class.or(lower.storage_class),
            acl: self.acl.or(lower.acl),
            tags: self.tags.or(lower.tags),
            checksum: self.checksum.or(lower.checksum),
        }
    }

    /// Checks each option alone, as long as a lower layer may still add others.
    pub(crate) fn check_each(&self) -> Result<(), VolumeError> {
        algorithm(self.sse.as_deref())?;
        self.sse_kms_key_id.as_deref().map_or(Ok(()), check_key)?;
        self.storage_class
            .as_deref()
            .map_or(Ok(()), check_storage_class)?;
        self.acl.as_deref().map_or(Ok(()), check_acl)?;
        tags::check(self.tags.as_deref().unwrap_or_default())?;
        checksum(self.checksum.as_deref())?;
        Ok(())
    }

    /// Checks the options, and converts them to the settings of a mount.
    pub(super) fn into_settings(self) -> Result<UploadSettings, VolumeError> {
        self.check_each()?;
        Ok(UploadSettings {
            encryption: encryption(
                algorithm(self.sse.as_deref())?,
                self.sse_kms_key_id,
                self.bucket_key,
            )?,
            storage_class: self.storage_class,
            acl: self.acl,
            tags: self.tags.unwrap_or_default().into_iter().collect(),
            checksum: checksum(self.checksum.as_deref())?,
        })
    }
}

fn encryption(
    algorithm: Option<EncryptionAlgorithm>,
    key_id: Option<String>,
    bucket_key: Option<bool>,
) -> Result<Option<Encryption>, VolumeError> {
    use EncryptionAlgorithm::{Kms, KmsDsse};
    if key_id.is_some() && !matches!(algorithm, Some(Kms | KmsDsse)) {
        return Err(VolumeError::KeyWithoutKms);
    }
    if bucket_key == Some(true) && algorithm != Some(Kms) {
        return Err(VolumeError::BucketKeyWithoutKms);
    }
    Ok(algorithm.map(|algorithm| Encryption {
        bucket_key: bucket_key.filter(|_| algorithm == Kms),
        algorithm,
        key_id,
    }))
}

fn algorithm(given: Option<&str>) -> Result<Option<EncryptionAlgorithm>, VolumeError> {
    Ok(given.map(str::parse).transpose()?)
}

fn checksum(given: Option<&str>) -> Result<Option<UploadChecksum>, VolumeError> {
    Ok(given.map(str::parse).transpose()?)
}

/// Checks a key of KMS: an ID, an ARN or an alias. Other servers have names of their own.
fn check_key(given: &str) -> Result<(), VolumeError> {
    let is_key = !given.is_empty() && given.chars().all(|c| c.is_ascii_graphic());
    is_key.then_some(()).ok_or_else(|| VolumeError::Key {
        given: given.to_owned(),
    })
}

/// Checks a storage class. Servers have classes of their own, so that any name passes.
fn check_storage_class(given: &str) -> Result<(), VolumeError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_class = !given.is_empty() && given.chars().all(is_name);
    is_class
        .then_some(())
        .ok_or_else(|| VolumeError::StorageClass {
            given: given.to_owned(),
        })
}

fn check_acl(given: &str) -> Result<(), VolumeError> {
    if ACLS.contains(&given) {
        return Ok(());
    }
    Err(VolumeError::Acl {
        given: given.to_owned(),
        known: &ACLS,
    })
}

/// Checks the ID of an account.
pub(crate) fn check_owner(given: &str) -> Result<(), VolumeError> {
    let is_id = given.len() == ACCOUNT_DIGITS && given.bytes().all(|b| b.is_ascii_digit());
    is_id.then_some(()).ok_or_else(|| VolumeError::Owner {
        given: given.to_owned(),
    })
}

impl CloudBucketMount {
    /// Sets the server-side encryption of the objects that the volume writes: `AES256`, `aws:kms`
    /// or `aws:kms:dsse`. By default, changed objects keep theirs, and new ones get the bucket's.
    ///
    /// Buckets whose policy demands the header `x-amz-server-side-encryption` need this.
    ///
    /// ```
    /// use stub_runtime::CloudBucketMount;
    ///
    /// let volume = CloudBucketMount::new("s3-bucket-name")
    ///     .sse("aws:kms")
    ///     .sse_kms_key_id("arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab")
    ///     .bucket_key(true);
    /// ```
    pub fn sse(mut self, algorithm: impl Into<String>) -> Self {
        self.options.uploads.sse = Some(algorithm.into());
        self
    }

    /// Sets the key of AWS KMS for [`sse`](Self::sse): its ID, ARN or alias. Defaults to the
    /// account's own key for S3. The credentials need `kms:GenerateDataKey` and `kms:Decrypt` on it.
    pub fn sse_kms_key_id(mut self, key: impl Into<String>) -> Self {
        self.options.uploads.sse_kms_key_id = Some(key.into());
        self
    }

    /// Sets whether [`sse`](Self::sse) with `aws:kms` uses a bucket key, which saves requests to
    /// AWS KMS. Defaults to the bucket's setting.
    pub fn bucket_key(mut self, yes: bool) -> Self {
        self.options.uploads.bucket_key = Some(yes);
        self
    }

    /// Sets the storage class of new objects, such as `STANDARD_IA` or `INTELLIGENT_TIERING`;
    /// defaults to `STANDARD`. An object that is changed keeps its own.
    ///
    /// Objects of archive classes (`GLACIER`, `DEEP_ARCHIVE`) can't be read until they are restored.
    pub fn storage_class(mut self, class: impl Into<String>) -> Self {
        self.options.uploads.storage_class = Some(class.into());
        self
    }

    /// Sets the canned ACL of the objects that the volume writes, such as
    /// `bucket-owner-full-control` for a bucket of another account. Needs `s3:PutObjectAcl`.
    pub fn acl(mut self, acl: impl Into<String>) -> Self {
        self.options.uploads.acl = Some(acl.into());
        self
    }

    /// Sets the tags of new objects: at most 10. An object that is changed keeps its own. Needs
    /// `s3:PutObjectTagging` and `s3:GetObjectTagging`.
    ///
    /// ```
    /// use stub_runtime::CloudBucketMount;
    ///
    /// let volume = CloudBucketMount::new("s3-bucket-name")
    ///     .tags([("project", "apollo"), ("cost-centre", "42")]);
    /// ```
    pub fn tags<K: Into<String>, V: Into<String>>(
        mut self,
        tags: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let tags = tags.into_iter();
        let tags = tags.map(|(key, value)| (key.into(), value.into()));
        self.options.uploads.tags = Some(tags.collect());
        self
    }

    /// Sets the checksum that is sent with uploads, and that the server verifies and stores:
    /// `CRC32`, `CRC32C`, `CRC64NVME` or `off`. Defaults to `CRC32` on Amazon's servers, and to
    /// none on others.
    pub fn checksum(mut self, algorithm: impl Into<String>) -> Self {
        self.options.uploads.checksum = Some(algorithm.into());
        self
    }

    /// Sets the account that must own the bucket: 12 digits. Requests to a bucket of any other
    /// account are refused.
    pub fn expected_bucket_owner(mut self, account: impl Into<String>) -> Self {
        self.options.expected_bucket_owner = Some(account.into());
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn volume() -> CloudBucketMount {
        CloudBucketMount::new("my-bucket")
    }

    fn settings(volume: CloudBucketMount) -> UploadSettings {
        volume.into_config().unwrap().uploads
    }

    fn error(volume: CloudBucketMount) -> VolumeError {
        volume.into_config().unwrap_err()
    }

    #[test]
    fn every_option_arrives() {
        assert_eq!(settings(volume()), UploadSettings::default());
        let full = volume()
            .sse("aws:kms")
            .sse_kms_key_id("alias/k")
            .bucket_key(true)
            .storage_class("INTELLIGENT_TIERING")
            .acl("private")
            .tags([("b", "2"), ("a", "1")])
            .checksum("crc64nvme")
            .expected_bucket_owner("012345678901");
        let owner = full.clone().into_config().unwrap().expected_bucket_owner;
        assert_eq!(owner.as_deref(), Some("012345678901"));
        let expected = UploadSettings {
            encryption: Some(Encryption {
                algorithm: EncryptionAlgorithm::Kms,
                key_id: Some("alias/k".into()),
                bucket_key: Some(true),
            }),
            storage_class: Some("INTELLIGENT_TIERING".into()),
            acl: Some("private".into()),
            tags: [("a", "1"), ("b", "2")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
            checksum: Some(UploadChecksum::Crc64Nvme),
        };
        assert_eq!(settings(full.clone()), expected);
        assert_eq!(settings(full.read_only(true)), expected);
    }

    #[test]
    fn a_key_needs_an_encryption_that_has_keys() {
        for sse in ["aws:kms", "aws:kms:dsse"] {
            assert!(volume().sse(sse).sse_kms_key_id("k").into_config().is_ok());
        }
        let key = volume().sse_kms_key_id("k");
        assert_eq!(error(key.clone()), VolumeError::KeyWithoutKms);
        assert_eq!(error(key.sse("AES256")), VolumeError::KeyWithoutKms);
        for sse in ["AES256", "aws:kms:dsse"] {
            let of = |yes| volume().sse(sse).bucket_key(yes);
            assert_eq!(error(of(true)), VolumeError::BucketKeyWithoutKms);
            let encryption = settings(of(false)).encryption.unwrap();
            assert_eq!(encryption.bucket_key, None);
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_remedy() {
        let says = |volume| error(volume).to_string();
        let text = says(volume().sse("AES-256"));
        assert!(text.contains("write `AES256`, `aws:kms`"), "{text}");
        let text = says(volume().sse("aws:kms").sse_kms_key_id("my key"));
        assert!(text.contains("its ID, ARN or alias"), "{text}");
        for class in ["", "STANDARD IA", "A\nB"] {
            let text = says(volume().storage_class(class));
            assert!(text.contains("`STANDARD_IA`"), "{text}");
        }
        let text = says(volume().acl("bucket-owner-fullcontrol"));
        assert!(text.ends_with("did you mean `bucket-owner-full-control`?"));
        let text = says(volume().acl("x"));
        assert!(
            text.contains("write one of private, public-read,"),
            "{text}"
        );
        let text = says(volume().tags([("aws:x", "1")]));
        assert!(text.contains("only AWS may set"), "{text}");
        let text = says(volume().checksum("MD5"));
        assert!(text.contains("write `CRC32`, `CRC32C`"), "{text}");
        for account in ["", "12345678901", "1234567890123", "12345678901a"] {
            let text = says(volume().expected_bucket_owner(account));
            assert!(text.contains("write its 12 digits"), "{text}");
        }
    }

    #[test]
    fn an_encryption_hides_the_key_of_a_lower_layer() {
        let lower = UploadOptions {
            sse: Some("aws:kms".into()),
            sse_kms_key_id: Some("k".into()),
            bucket_key: Some(true),
            tags: Some(vec![("a".into(), "1".into())]),
            ..UploadOptions::default()
        };
        let upper = UploadOptions {
            sse: Some("AES256".into()),
            tags: Some(Vec::new()),
            ..UploadOptions::default()
        };
        assert_eq!(upper.clone().or(lower.clone()), upper);
        assert_eq!(UploadOptions::default().or(lower.clone()), lower);
        let other_key = UploadOptions {
            sse_kms_key_id: Some("other".into()),
            ..UploadOptions::default()
        };
        let both = other_key.or(lower);
        assert_eq!(both.sse.as_deref(), Some("aws:kms"));
        assert_eq!(both.sse_kms_key_id.as_deref(), Some("other"));
    }
}
