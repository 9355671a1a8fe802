//! Options of a volume, each of which may be absent, and their precedence.

use std::sync::Arc;
use std::time::Duration;

use s3fs_core::EndpointOptions;

use super::endpoints;
use super::folder::FolderOptions;
use super::freshness::MetadataTtl;
use super::role::RoleOptions;
use super::uploads::UploadOptions;
use crate::declare::secret::{Secret, SecretError};

/// Options of a volume, as they were given; nothing is checked.
///
/// An absent option is taken from the next layer. The layers are the volume itself, the options of
/// a command for all volumes, and `stub.toml`.
#[derive(Clone, Debug, Default)]
pub struct VolumeOptions {
    /// Keys of the bucket.
    pub secret: Option<Arc<Result<Secret, SecretError>>>,
    /// Profile of the AWS configuration files.
    pub profile: Option<String>,
    /// True for unsigned requests.
    pub anonymous: Option<bool>,
    /// Roles that are assumed.
    pub role: RoleOptions,
    /// Kinds of AWS's endpoints.
    pub endpoints: EndpointOptions,
    /// Prefix of the visible keys; an empty one is absent.
    pub key_prefix: Option<String>,
    /// URL of an S3-compatible service.
    pub endpoint_url: Option<String>,
    /// Region of the bucket.
    pub region: Option<String>,
    /// True to address the bucket as `endpoint/bucket`.
    pub force_path_style: Option<bool>,
    /// True to accept the charges of a requester-pays bucket.
    pub requester_pays: Option<bool>,
    /// Account that must own the bucket.
    pub expected_bucket_owner: Option<String>,
    /// True to refuse every change.
    pub read_only: Option<bool>,
    /// False to refuse deletions.
    pub allow_delete: Option<bool>,
    /// False to refuse changes of existing files.
    pub allow_overwrite: Option<bool>,
    /// Owner of files and folders.
    pub uid: Option<u32>,
    /// Group of files and folders.
    pub gid: Option<u32>,
    /// Permission bits of files.
    pub file_mode: Option<u32>,
    /// Permission bits of folders.
    pub dir_mode: Option<u32>,
    /// Folder of the cache, and its maximum size.
    pub cache: FolderOptions,
    /// Folders that are brought into the cache before the body runs.
    pub warm: Option<Vec<String>>,
    /// Folder of the stage, and its maximum size.
    pub stage: FolderOptions,
    /// Memory for the contents of files, in bytes.
    pub memory: Option<u64>,
    /// True if other clients replace and delete nothing.
    pub immutable: Option<bool>,
    /// Time for which names and versions are used without asking again.
    pub metadata_ttl: Option<MetadataTtl>,
    /// True if `close` waits until the file is stored.
    pub wait_on_close: Option<bool>,
    /// Maximum time for which a failing request is repeated.
    pub retry_timeout: Option<Duration>,
    /// Options of the objects that the volume writes.
    pub uploads: UploadOptions,
}

impl VolumeOptions {
    /// Returns whether they set the credentials.
    pub(crate) fn has_credentials(&self) -> bool {
        self.secret.is_some()
            || self.profile.is_some()
            || self.role.oidc_arn.is_some()
            || self.anonymous == Some(true)
    }

    /// Takes absent options from a lower layer. The credentials are one option, of several parts:
    /// with its own, a layer takes no role from a lower one, which would be assumed with others.
    pub(crate) fn or(self, lower: Self) -> Self {
        let has_credentials = self.has_credentials();
        let mut role = self.role;
        let (secret, profile, anonymous) = if has_credentials {
            (self.secret, self.profile, self.anonymous)
        } else {
            role.oidc_arn.clone_from(&lower.role.oidc_arn);
            let anonymous = self.anonymous.or(lower.anonymous);
            if anonymous != Some(true) {
                role = role.or(lower.role);
            }
            (lower.secret, lower.profile, anonymous)
        };
        let prefix = self.key_prefix.filter(|prefix| !prefix.is_empty());
        Self {
            secret,
            profile,
            anonymous,
            role,
            endpoints: endpoints::or(self.endpoints, lower.endpoints),
            key_prefix: prefix.or(lower.key_prefix),
            endpoint_url: self.endpoint_url.or(lower.endpoint_url),
            region: self.region.or(lower.region),
            force_path_style: self.force_path_style.or(lower.force_path_style),
            requester_pays: self.requester_pays.or(lower.requester_pays),
            expected_bucket_owner: self.expected_bucket_owner.or(lower.expected_bucket_owner),
            read_only: self.read_only.or(lower.read_only),
            allow_delete: self.allow_delete.or(lower.allow_delete),
            allow_overwrite: self.allow_overwrite.or(lower.allow_overwrite),
            uid: self.uid.or(lower.uid),
            gid: self.gid.or(lower.gid),
            file_mode: self.file_mode.or(lower.file_mode),
            dir_mode: self.dir_mode.or(lower.dir_mode),
            cache: self.cache.or(lower.cache),
            warm: self.warm.or(lower.warm),
            stage: self.stage.or(lower.stage),
            memory: self.memory.or(lower.memory),
            immutable: self.immutable.or(lower.immutable),
            metadata_ttl: self.metadata_ttl.or(lower.metadata_ttl),
            wait_on_close: self.wait_on_close.or(lower.wait_on_close),
            retry_timeout: self.retry_timeout.or(lower.retry_timeout),
            uploads: self.uploads.or(lower.uploads),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upper_layer_goes_first_and_the_lower_fills_its_gaps() {
        let upper = VolumeOptions {
            region: Some("upper".into()),
            allow_delete: Some(true),
            key_prefix: Some(String::new()),
            ..VolumeOptions::default()
        };
        let lower = VolumeOptions {
            region: Some("lower".into()),
            allow_delete: Some(false),
            allow_overwrite: Some(false),
            key_prefix: Some("p/".into()),
            ..VolumeOptions::default()
        };
        let both = upper.or(lower);
        assert_eq!(both.region.as_deref(), Some("upper"));
        assert_eq!(
            (both.allow_delete, both.allow_overwrite),
            (Some(true), Some(false))
        );
        assert_eq!(both.key_prefix.as_deref(), Some("p/"));
    }

    #[test]
    fn credentials_come_from_one_layer() {
        let with = |profile: Option<&str>, anonymous| VolumeOptions {
            profile: profile.map(str::to_owned),
            anonymous,
            ..VolumeOptions::default()
        };
        let both = with(Some("mine"), None).or(with(None, Some(true)));
        assert_eq!(
            (both.profile.as_deref(), both.anonymous),
            (Some("mine"), None)
        );
        let both = with(None, Some(true)).or(with(Some("theirs"), None));
        assert_eq!((both.profile, both.anonymous), (None, Some(true)));
        let both = with(None, Some(false)).or(with(Some("theirs"), Some(true)));
        assert_eq!(
            (both.profile.as_deref(), both.anonymous),
            (Some("theirs"), Some(false))
        );
    }
}
