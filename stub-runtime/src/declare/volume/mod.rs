//! Volumes: buckets that a function declares at a path.

mod config;
mod credentials;
mod endpoint;
mod endpoints;
mod error;
mod folder;
mod freshness;
mod options;
mod path;
mod reread;
mod role;
mod tags;
mod uploads;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use error::VolumeError;
pub use folder::FolderOptions;
pub use freshness::MetadataTtl;
pub use options::VolumeOptions;
pub use path::{PathError, VolumePath};
pub(crate) use reread::SecretReader;
pub use role::RoleOptions;
pub use tags::TagError;
pub use uploads::UploadOptions;
pub(crate) use uploads::check_owner;

use crate::declare::secret::IntoSecret;

/// Bucket, or its part under a key prefix, as a folder for reading and writing.
///
/// This is a builder of plain data: nothing is sent over the network, and nothing is checked, until
/// a function that declares it is called. A mistake is then the call's error and names the function
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
/// The names are those of Modal's class of the same name. Differences: the bucket's region is found
/// automatically, and credentials may come from the standard AWS chain. These options have no
/// counterpart there:
///
/// - the service and its credentials: `region`, `profile`, `anonymous`, `role_arn`, `dual_stack`,
///   `fips`, `accelerate`, `expected_bucket_owner`, `retry_timeout`;
/// - changes: `allow_delete`, `allow_overwrite`, `wait_on_close`, `stage`;
/// - written objects: `sse`, `sse_kms_key_id`, `bucket_key`, `storage_class`, `acl`, `tags`,
///   `checksum`;
/// - files as they are shown: `uid`, `gid`, `file_mode`, `dir_mode`;
/// - what is read again: `cache`, `warm`, `immutable`, `metadata_ttl`;
/// - the contents of files in memory: `memory`.
#[derive(Clone, Debug)]
#[must_use = "a volume does nothing until a function declares it"]
pub struct CloudBucketMount {
    bucket: String,
    options: VolumeOptions,
}

impl CloudBucketMount {
    /// Creates a volume of a whole bucket, for reading and writing.
    ///
    /// `bucket` is its name, or the alias or ARN of an access point: not a URL, a path or the ARN of
    /// a bucket. (Modal: `bucket_name`.)
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            options: VolumeOptions::default(),
        }
    }

    /// Creates a volume of a bucket with these options.
    pub(crate) fn with_options(bucket: &str, options: VolumeOptions) -> Self {
        Self {
            bucket: bucket.to_owned(),
            options,
        }
    }

    /// Sets the bucket's credentials: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and if they
    /// are temporary ones `AWS_SESSION_TOKEN`. `AWS_REGION` is taken as [`region`](Self::region).
    /// For Google Cloud Storage also `GOOGLE_ACCESS_KEY_ID` and `GOOGLE_ACCESS_KEY_SECRET`.
    ///
    /// Without a secret, the standard AWS chain is used: environment, profile files, SSO, web
    /// identity, container and instance roles. The function itself never sees the keys. (Modal:
    /// `secret`; without one the bucket must be public.)
    pub fn secret(mut self, secret: impl IntoSecret) -> Self {
        self.options.secret = Some(Arc::new(secret.into_secret()));
        self
    }

    /// Makes the volume read-only: every change is refused with `EROFS`, and no request that writes
    /// is sent; off by default. The only permissions needed are then `s3:ListBucket` and
    /// `s3:GetObject`. (Modal: `read_only`.)
    pub fn read_only(mut self, yes: bool) -> Self {
        self.options.read_only = Some(yes);
        self
    }

    /// Shows only the keys that begin with this prefix, which must end in `/`, without it. (Modal:
    /// `key_prefix`, by the same rule.)
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.key_prefix = Some(prefix.into());
        self
    }

    /// Sets the `http` or `https` URL of an S3-compatible service, such as Cloudflare R2, Google
    /// Cloud Storage, `MinIO` or Ceph; defaults to AWS. (Modal: `bucket_endpoint_url`.)
    pub fn bucket_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.options.endpoint_url = Some(url.into());
        self
    }

    /// Addresses the bucket as `endpoint/bucket` instead of `bucket.endpoint`, as many self-hosted
    /// services need; off by default. (Modal: `force_path_style`.)
    pub fn force_path_style(mut self, yes: bool) -> Self {
        self.options.force_path_style = Some(yes);
        self
    }

    /// Accepts the charges for requests and transfer that the bucket's owner leaves to the requester
    /// (`x-amz-request-payer`); off by default.
    ///
    /// Such a bucket answers signed requests only. (Modal: `requester_pays`, which insists on a secret; here,
    /// credentials from the standard chain work as well.)
    pub fn requester_pays(mut self, yes: bool) -> Self {
        self.options.requester_pays = Some(yes);
        self
    }

    /// Sets the bucket's region, such as `eu-west-1`. Defaults to that of the secret, or to the
    /// bucket's own answer.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.options.region = Some(region.into());
        self
    }

    /// Sets the profile of the AWS configuration files whose credentials are used, instead of the
    /// default one. Can't be combined with a secret.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.options.profile = Some(profile.into());
        self
    }

    /// Sends unsigned requests, for a public bucket; off by default. Can't be combined with a secret or a
    /// profile. (Modal: the absence of `secret`.)
    pub fn anonymous(mut self, yes: bool) -> Self {
        self.options.anonymous = Some(yes);
        self
    }

    /// Allows deleting files (`s3:DeleteObject`); on by default, as with Modal.
    pub fn allow_delete(mut self, yes: bool) -> Self {
        self.options.allow_delete = Some(yes);
        self
    }

    /// Allows changing existing files; on by default, as with Modal. New files may be written in any case.
    pub fn allow_overwrite(mut self, yes: bool) -> Self {
        self.options.allow_overwrite = Some(yes);
        self
    }

    /// Sets the owner that files and folders show; defaults to the caller's user.
    pub fn uid(mut self, uid: u32) -> Self {
        self.options.uid = Some(uid);
        self
    }

    /// Sets the group that files and folders show; defaults to the caller's group.
    pub fn gid(mut self, gid: u32) -> Self {
        self.options.gid = Some(gid);
        self
    }

    /// Sets the permission bits of files; defaults to `0o644`.
    pub fn file_mode(mut self, mode: u32) -> Self {
        self.options.file_mode = Some(mode);
        self
    }

    /// Sets the permission bits of folders; defaults to `0o755`.
    pub fn dir_mode(mut self, mode: u32) -> Self {
        self.options.dir_mode = Some(mode);
        self
    }

    /// Keeps bytes read from the bucket in a folder of the local disk, where the next call and
    /// other processes of the same user find them. At most `size_in_bytes` are kept, and those not
    /// used for longest are removed first. By default, nothing is kept.
    ///
    /// `dir` is an absolute path on the host. It is made, for its owner alone, if it is missing. A
    /// folder that belongs to, or is open to, other users is refused. Each open of a file still
    /// asks the bucket for its current version; only its bytes need not come again. An object
    /// larger than nine tenths of the size is not kept. A disk that is full or can't be written to
    /// causes one warning, and does no harm.
    ///
    /// With [`read_only`](Self::read_only), and as root, the kernel reads files that are complete
    /// in the folder by itself, at the speed of the disk.
    ///
    /// ```
    /// use stub_runtime::CloudBucketMount;
    ///
    /// let volume = CloudBucketMount::new("s3-bucket-name").cache("/var/cache/buckets", 10 << 30);
    /// ```
    pub fn cache(mut self, dir: impl Into<PathBuf>, size_in_bytes: u64) -> Self {
        self.options.cache = FolderOptions::new(Some(dir.into()), Some(size_in_bytes));
        self
    }

    /// Brings a folder of the volume into its [`cache`](Self::cache) before the body runs, with as many
    /// requests at once as the link takes; `""` is the whole volume. May be repeated. What the cache has
    /// in its present version is not fetched again. What does not fit is left out, and the log names it.
    ///
    /// ```
    /// use stub_runtime::CloudBucketMount;
    ///
    /// let volume = CloudBucketMount::new("datasets")
    ///     .cache("/var/cache/buckets", 100 << 30)
    ///     .warm("images/train")
    ///     .read_only(true)
    ///     .immutable(true);
    /// ```
    pub fn warm(mut self, folder: impl AsRef<str>) -> Self {
        let folder = folder.as_ref().trim_matches('/');
        let folder = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        self.options.warm.get_or_insert_default().push(folder);
        self
    }

    /// Declares that other clients never replace or delete objects of this volume; off by default.
    /// What the mount knows then needs no request any more: names that exist or don't, attributes, and
    /// the versions of files. The bytes of files stay in the page cache between opens. Entries that
    /// others add are seen only in folders that nobody has looked at before. Changes through the volume
    /// itself are seen at once.
    ///
    /// If an object is replaced after all, a program that reads the old version gets `ESTALE`, never
    /// bytes of two versions.
    ///
    /// ```
    /// use stub_runtime::CloudBucketMount;
    ///
    /// let volume = CloudBucketMount::new("datasets").read_only(true).immutable(true);
    /// ```
    pub fn immutable(mut self, yes: bool) -> Self {
        self.options.immutable = Some(yes);
        self
    }

    /// Sets the time for which names, and the versions of files, are used without asking the bucket
    /// again: a [`Duration`], or a [`MetadataTtl`]. Changes by other clients may show that much later.
    /// Defaults to a second, and each open of a file asks for its current version. A volume that is
    /// [`immutable`](Self::immutable) needs no time.
    ///
    /// ```
    /// use std::time::Duration;
    /// use stub_runtime::{CloudBucketMount, MetadataTtl};
    ///
    /// let models = CloudBucketMount::new("models").metadata_ttl(Duration::from_mins(10));
    /// let frozen = CloudBucketMount::new("models").metadata_ttl(MetadataTtl::Indefinite);
    /// ```
    pub fn metadata_ttl(mut self, ttl: impl Into<MetadataTtl>) -> Self {
        self.options.metadata_ttl = Some(ttl.into());
        self
    }

    /// Sets the memory for the contents of files, in bytes: what is read ahead, and what is written and
    /// not stored yet. At least 16 MiB. It is beside the memory of the function, and a limit: files are
    /// read ahead as far as the connection to the bucket needs. A fast connection over a long distance
    /// needs much, such as 1 GiB for 10 Gbit/s at 100 ms.
    ///
    /// The volumes of a call share the largest memory that one of them names. Defaults to 1/32 of the
    /// machine's memory, from 128 to 512 MiB, but to no more than a quarter of its available memory and of
    /// the control group's limit.
    ///
    /// ```
    /// use stub_runtime::CloudBucketMount;
    ///
    /// let volume = CloudBucketMount::new("datasets").memory(1 << 30);
    /// ```
    pub fn memory(mut self, bytes: u64) -> Self {
        self.options.memory = Some(bytes);
        self
    }

    /// Makes the last `close` of a file wait until the file is in the bucket, and fail if it can't
    /// be stored; off by default. Otherwise files are stored in the background, many at once, and
    /// `fsync` or the end of the call waits. In either case a call succeeds only if everything is
    /// in the bucket.
    pub fn wait_on_close(mut self, wait: bool) -> Self {
        self.options.wait_on_close = Some(wait);
        self
    }

    /// Sets the folder for files that are being changed in their middle and don't fit into memory:
    /// at most `size_in_bytes` in a folder of the local disk. Beyond that, a write fails with
    /// `ENOSPC`. Defaults to the temporary folder, up to its free space. A file that is written
    /// from its beginning to its end, of any size, never goes there.
    ///
    /// `dir` is an absolute path on the host. The files in it have no names and are gone with the call.
    pub fn stage(mut self, dir: impl Into<PathBuf>, size_in_bytes: u64) -> Self {
        self.options.stage = FolderOptions::new(Some(dir.into()), Some(size_in_bytes));
        self
    }

    /// Sets the maximum time for which a failed request is repeated: while the server is
    /// overloaded, fails, or does not answer; defaults to five minutes. Programs wait meanwhile;
    /// then they get `EIO`. Zero is a single attempt.
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
        self.options.retry_timeout = Some(timeout);
        self
    }

    /// Returns whether the volume sets its credentials.
    pub(crate) fn has_credentials(&self) -> bool {
        self.options.has_credentials()
    }

    /// Fills in the options that the volume doesn't set.
    #[doc(hidden)]
    pub fn with_defaults(mut self, defaults: VolumeOptions) -> Self {
        self.options = self.options.or(defaults);
        self
    }

    /// Returns the name of the bucket, as it was given.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }
}

#[cfg(test)]
mod tests;
