//! Volumes: what a function declares at a path.

mod config;
mod credentials;
mod endpoint;
mod error;
mod path;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use s3fs_core::{MountConfig, Ownership};

pub use error::VolumeError;
pub use path::{PathError, VolumePath};

use crate::secret::{IntoSecret, Secret, SecretError};

/// A bucket, or the part of one under a key prefix, as a folder for reading and writing.
///
/// A builder of plain data: nothing is asked of the network, and nothing is checked, until a
/// function that declares it is called. A mistake is then the call's error and names the function
/// and the path.
///
/// ```
/// use stub_runtime::{CloudBucketMount, Secret};
///
/// let volume = CloudBucketMount::new("s3-bucket-name")
///     .secret(Secret::from_env(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]))
///     .key_prefix("datasets/2024/")
///     .read_only(true);
/// ```
///
/// The words are those of Modal's class of the same name. What differs: the bucket's region is
/// found by itself, credentials may come from the standard AWS chain, and `region`, `profile`,
/// `anonymous`, `allow_delete`, `allow_overwrite`, `uid`, `gid`, `file_mode`, `dir_mode`,
/// `cache` and `retry_timeout` have no counterpart there.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
#[must_use = "a volume does nothing until a function declares it"]
pub struct CloudBucketMount {
    bucket: String,
    secret: Option<Arc<Result<Secret, SecretError>>>,
    key_prefix: String,
    bucket_endpoint_url: Option<String>,
    force_path_style: bool,
    requester_pays: bool,
    region: Option<String>,
    profile: Option<String>,
    anonymous: bool,
    read_only: bool,
    allow_delete: bool,
    allow_overwrite: bool,
    uid: Option<u32>,
    gid: Option<u32>,
    file_mode: u32,
    dir_mode: u32,
    cache: Option<(PathBuf, u64)>,
    wait_on_close: bool,
    stage: Option<(PathBuf, u64)>,
    retry_timeout: Option<Duration>,
}

/// What volumes of a bucket are, unless they say it themselves.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    pub(crate) endpoint_url: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) force_path_style: bool,
    pub(crate) requester_pays: bool,
    pub(crate) profile: Option<String>,
    pub(crate) secret: Option<Result<Secret, SecretError>>,
    pub(crate) prefix: Option<String>,
    pub(crate) cache: Option<(PathBuf, u64)>,
    pub(crate) retry_timeout: Option<Duration>,
}

impl CloudBucketMount {
    /// The whole of a bucket, for reading and writing.
    ///
    /// `bucket` is its name: not an ARN, a URL or a path. (Modal: `bucket_name`.)
    pub fn new(bucket: impl Into<String>) -> Self {
        let Ownership {
            uid,
            gid,
            file_mode,
            dir_mode,
        } = Ownership::default();
        Self {
            bucket: bucket.into(),
            secret: None,
            key_prefix: String::new(),
            bucket_endpoint_url: None,
            force_path_style: false,
            requester_pays: false,
            region: None,
            profile: None,
            anonymous: false,
            read_only: false,
            allow_delete: true,
            allow_overwrite: true,
            uid,
            gid,
            file_mode: file_mode.into(),
            dir_mode: dir_mode.into(),
            cache: None,
            wait_on_close: false,
            stage: None,
            retry_timeout: None,
        }
    }

    /// The bucket's credentials: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and if they are
    /// temporary ones `AWS_SESSION_TOKEN`; `AWS_REGION` is taken as [`region`](Self::region).
    /// For Google Cloud Storage also `GOOGLE_ACCESS_KEY_ID` and `GOOGLE_ACCESS_KEY_SECRET`.
    ///
    /// Without a secret the standard AWS chain is asked: environment, profile files, SSO, web
    /// identity, container and instance roles. The function itself never sees the keys.
    /// (Modal: `secret`; without one the bucket must be public.)
    pub fn secret(mut self, secret: impl IntoSecret) -> Self {
        self.secret = Some(Arc::new(secret.into_secret()));
        self
    }

    /// Whether to refuse every change with `EROFS`, and never to send a request that writes; off
    /// unless set. Then `s3:ListBucket` and `s3:GetObject` are all the permissions needed.
    /// (Modal: `read_only`.)
    pub fn read_only(mut self, yes: bool) -> Self {
        self.read_only = yes;
        self
    }

    /// Shows only the keys that begin with this prefix, which must end in `/`, without it.
    /// (Modal: `key_prefix`, by the same rule.)
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// The `http` or `https` URL of an S3-compatible service, such as Cloudflare R2, Google Cloud
    /// Storage, `MinIO` or Ceph; AWS unless set. (Modal: `bucket_endpoint_url`.)
    pub fn bucket_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.bucket_endpoint_url = Some(url.into());
        self
    }

    /// Whether to address the bucket as `endpoint/bucket` instead of `bucket.endpoint`, as many
    /// self-hosted services need; off unless set. (Modal: `force_path_style`.)
    pub fn force_path_style(mut self, yes: bool) -> Self {
        self.force_path_style = yes;
        self
    }

    /// Whether to accept the charges for requests and transfer that the bucket's owner leaves to
    /// the requester (`x-amz-request-payer`); off unless set.
    ///
    /// Such a bucket answers signed requests only. (Modal: `requester_pays`, which insists on a
    /// secret; here credentials from the standard chain do as well.)
    pub fn requester_pays(mut self, yes: bool) -> Self {
        self.requester_pays = yes;
        self
    }

    /// The bucket's region, such as `eu-west-1`. Unless set it is that of the secret, or is found
    /// by asking the bucket.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// The profile of the AWS configuration files whose credentials are used instead of the
    /// default one's. Goes without a secret.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Whether to send unsigned requests, for a public bucket; off unless set. Goes without a
    /// secret and a profile. (Modal: the absence of `secret`.)
    pub fn anonymous(mut self, yes: bool) -> Self {
        self.anonymous = yes;
        self
    }

    /// Whether files may be deleted (`s3:DeleteObject`); on unless set, as with Modal.
    pub fn allow_delete(mut self, yes: bool) -> Self {
        self.allow_delete = yes;
        self
    }

    /// Whether existing files may be changed; on unless set, as with Modal. New files may be
    /// written in any case.
    pub fn allow_overwrite(mut self, yes: bool) -> Self {
        self.allow_overwrite = yes;
        self
    }

    /// The owner that files and folders show; the caller's user unless set.
    pub fn uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// The group that files and folders show; the caller's group unless set.
    pub fn gid(mut self, gid: u32) -> Self {
        self.gid = Some(gid);
        self
    }

    /// The permission bits of files, `0o644` unless set.
    pub fn file_mode(mut self, mode: u32) -> Self {
        self.file_mode = mode;
        self
    }

    /// The permission bits of folders, `0o755` unless set.
    pub fn dir_mode(mut self, mode: u32) -> Self {
        self.dir_mode = mode;
        self
    }

    /// Keeps what was read in a folder of the local disk, where the next call and other processes
    /// of the same user find it; at most `size_in_bytes` of it, and what was not used for longest
    /// goes first. Unless set, nothing is kept.
    ///
    /// `dir` is an absolute path on the host. It is made, for its owner alone, if it is missing; one
    /// that belongs to, or is open to, other users is refused. Each open of a file still asks the
    /// bucket which version is there now; only its bytes need not come again. An object that takes
    /// over nine tenths of the size is not kept. A disk that is full or can't be written to is
    /// warned of once, and does no harm.
    ///
    /// With [`read_only`](Self::read_only), and as root, the kernel reads files that are whole in
    /// the folder by itself, as fast as the disk is.
    ///
    /// ```
    /// use stub_runtime::CloudBucketMount;
    ///
    /// let volume = CloudBucketMount::new("s3-bucket-name").cache("/var/cache/buckets", 10 << 30);
    /// ```
    pub fn cache(mut self, dir: impl Into<PathBuf>, size_in_bytes: u64) -> Self {
        self.cache = Some((dir.into(), size_in_bytes));
        self
    }

    /// Whether the last `close` of a file waits until it is in the bucket, and fails if it can't be stored; off unless
    /// set. Otherwise files are stored beside the program, many at once, and `fsync` or the end of the
    /// call waits. In either case a call succeeds only if everything is in the bucket.
    pub fn wait_on_close(mut self, wait: bool) -> Self {
        self.wait_on_close = wait;
        self
    }

    /// Where files are that are being changed in their middle and don't fit into memory: at most
    /// `size_in_bytes` of a folder of the local disk, beyond which a write fails with `ENOSPC`. Unless
    /// set, it is the temporary folder, as far as it reaches. What is written from its beginning to its
    /// end, of any size, never goes there.
    ///
    /// `dir` is an absolute path on the host. The files in it have no names and are gone with the call.
    pub fn stage(mut self, dir: impl Into<PathBuf>, size_in_bytes: u64) -> Self {
        self.stage = Some((dir.into(), size_in_bytes));
        self
    }

    /// Maximum time for which a request that fails is repeated, five minutes unless set: while the
    /// server is overloaded, fails, or does not answer. Programs wait meanwhile; then they get `EIO`.
    /// Zero is a single attempt.
    ///
    /// S3 refuses requests for minutes while it divides a bucket among more of its servers.
    ///
    /// ```
    /// use std::time::Duration;
    /// use stub_runtime::CloudBucketMount;
    ///
    /// let volume = CloudBucketMount::new("s3-bucket-name").retry_timeout(Duration::from_mins(15));
    /// ```
    pub fn retry_timeout(mut self, timeout: Duration) -> Self {
        self.retry_timeout = Some(timeout);
        self
    }

    /// Whether it says who asks.
    pub(crate) fn has_credentials(&self) -> bool {
        self.secret.is_some() || self.profile.is_some() || self.anonymous
    }

    /// What it doesn't say itself.
    pub(crate) fn with(mut self, defaults: Defaults) -> Self {
        if !self.has_credentials() {
            self.profile = defaults.profile;
            self.secret = defaults.secret.map(Arc::new);
        }
        if self.key_prefix.is_empty() {
            self.key_prefix = defaults.prefix.unwrap_or_default();
        }
        self.bucket_endpoint_url = self.bucket_endpoint_url.or(defaults.endpoint_url);
        self.region = self.region.or(defaults.region);
        self.cache = self.cache.or(defaults.cache);
        self.retry_timeout = self.retry_timeout.or(defaults.retry_timeout);
        self.force_path_style |= defaults.force_path_style;
        self.requester_pays |= defaults.requester_pays;
        self
    }

    /// The name of the bucket, as it was given.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Checks all options and turns them into what is mounted.
    ///
    /// # Errors
    /// Says which option is wrong and what to write instead; never shows a secret.
    pub fn into_config(self) -> Result<MountConfig, VolumeError> {
        config::of(self)
    }
}

#[cfg(test)]
mod tests;
