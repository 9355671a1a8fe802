//! Options of volumes that a command has for all of them.

use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use clap::{Arg, Args};
use s3fs_core::EndpointOptions;
use stub_runtime::declare::{
    Flag, FolderOptions, MetadataTtl, RoleOptions, Tag, UploadOptions, VolumeOptions,
};

use super::{size, time};

/// Options of the S3 service, its credentials and the objects that are written. Options of a volume
/// itself precede them, and they precede `stub.toml`.
#[derive(Clone, Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub(crate) struct ServiceArguments {
    /// URL of an S3-compatible service
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Address the bucket as endpoint/bucket instead of bucket.endpoint
    #[arg(long)]
    force_path_style: bool,
    /// Region of the bucket [default: asked from the bucket]
    #[arg(long)]
    region: Option<String>,
    /// Profile of the AWS configuration files to take credentials from
    #[arg(long, conflicts_with = "no_sign_request")]
    profile: Option<String>,
    /// Send unsigned requests, for public buckets
    #[arg(long)]
    no_sign_request: bool,
    #[command(flatten)]
    roles: RoleArguments,
    /// Accept the charges of a requester-pays bucket
    #[arg(long, conflicts_with = "no_sign_request")]
    requester_pays: bool,
    /// Refuse buckets that do not belong to this account, of 12 digits
    #[arg(long, value_name = "ACCOUNT")]
    expected_bucket_owner: Option<String>,
    /// Allow deleting files [default: yes]
    #[arg(long, value_parser = flag, switch = "yes")]
    allow_delete: Option<bool>,
    /// Allow changing existing files [default: yes]
    #[arg(long, value_parser = flag, switch = "yes")]
    allow_overwrite: Option<bool>,
    /// Cache objects in this folder, across runs and processes of this user
    ///
    /// The folder is created if missing; otherwise it must belong to this user, with mode 700.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Maximum size of the cache, such as 500MiB or 10GiB [default: 10GiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    cache_size: Option<u64>,
    /// Take it that other clients replace and delete nothing: what is known needs no request
    #[arg(long, value_parser = flag, switch = "yes")]
    immutable: Option<bool>,
    /// Time for which names and versions of files are used without asking again: 90s, 10m, `minimal` or
    /// `indefinite` [default: minimal]
    ///
    /// `minimal` is a second, and each open of a file asks for its current version.
    #[arg(long, value_name = "TIME", value_parser = metadata_ttl)]
    metadata_ttl: Option<MetadataTtl>,
    /// Maximum time for which a failing request is repeated, such as 90s or 15m [default: 5m, or stub.toml]
    #[arg(long, value_name = "TIME", value_parser = time)]
    retry_timeout: Option<Duration>,
    /// Let `close` wait until the file is stored, and fail if it can't be
    ///
    /// Otherwise `fsync` and the end of the mount wait.
    #[arg(long)]
    wait_on_close: bool,
    /// Folder for large files that are changed in their middle [default: the temporary folder]
    #[arg(long, value_name = "DIR")]
    stage: Option<PathBuf>,
    /// Maximum size of the stage; a write beyond it fails
    #[arg(long, value_name = "SIZE", value_parser = size)]
    stage_size: Option<u64>,
    #[command(flatten)]
    endpoints: EndpointArguments,
    #[command(flatten)]
    objects: ObjectArguments,
}

/// Options of roles that a volume assumes.
#[derive(Clone, Debug, Args)]
struct RoleArguments {
    /// ARN of a role to assume with the other credentials
    #[arg(long, value_name = "ARN", conflicts_with = "no_sign_request")]
    role_arn: Option<String>,
    /// Name of the role's session [default: stub-mount]
    #[arg(long, value_name = "NAME")]
    role_session_name: Option<String>,
    /// External ID that the trust policy of the role demands
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// ARN of a role to assume with the identity token of this machine or job
    #[arg(long, value_name = "ARN", conflicts_with_all = ["no_sign_request", "profile"])]
    oidc_auth_role_arn: Option<String>,
}

/// Options of AWS's endpoints.
#[derive(Clone, Debug, Args)]
struct EndpointArguments {
    /// Use endpoints of AWS with IPv6 addresses [default: of the environment or profile]
    #[arg(long, value_parser = flag, switch = "yes")]
    dual_stack: Option<bool>,
    /// Use endpoints of AWS with FIPS 140 [default: of the environment or profile]
    #[arg(long, value_parser = flag, switch = "yes")]
    fips: Option<bool>,
    /// Use endpoints of Transfer Acceleration [default: of the profile]
    #[arg(long, value_parser = flag, switch = "yes")]
    accelerate: Option<bool>,
}

/// Heading of the options of objects in the help.
const OBJECTS: &str = "Written objects";

/// Options of the objects that a volume writes.
#[derive(Clone, Debug, Args)]
struct ObjectArguments {
    /// Encryption: `AES256`, `aws:kms` or `aws:kms:dsse` [default: the bucket's]
    #[arg(long, value_name = "ALGORITHM", help_heading = OBJECTS)]
    sse: Option<String>,
    /// Key of AWS KMS: ID, ARN or alias [default: the account's own for S3]
    #[arg(long, value_name = "KEY", help_heading = OBJECTS)]
    sse_kms_key_id: Option<String>,
    /// Encrypt with a bucket key, which saves requests to AWS KMS [default: the bucket's setting]
    #[arg(long, value_parser = flag, switch = "yes", help_heading = OBJECTS)]
    bucket_key: Option<bool>,
    /// Storage class of new objects, such as `STANDARD_IA` [default: `STANDARD`]
    #[arg(long, value_name = "CLASS", help_heading = OBJECTS)]
    storage_class: Option<String>,
    /// Canned ACL, such as `bucket-owner-full-control`
    #[arg(long, value_name = "ACL", help_heading = OBJECTS)]
    acl: Option<String>,
    /// Tag of new objects; may be repeated
    #[arg(long = "tag", value_name = "KEY:VALUE", value_parser = tag, help_heading = OBJECTS)]
    tags: Vec<(String, String)>,
    /// Checksum of uploads: `CRC32`, `CRC32C`, `CRC64NVME` or `off` [default: `CRC32` on AWS]
    #[arg(long, value_name = "ALGORITHM", help_heading = OBJECTS)]
    checksum: Option<String>,
}

impl ServiceArguments {
    /// Returns the options that are given.
    pub(crate) fn options(&self) -> VolumeOptions {
        let sized =
            |dir: &Option<PathBuf>, size| FolderOptions::new(dir.as_deref().map(in_full), size);
        VolumeOptions {
            profile: self.profile.clone(),
            anonymous: given(self.no_sign_request),
            role: self.roles.options(),
            endpoints: self.endpoints.options(),
            endpoint_url: self.endpoint_url.clone(),
            region: self.region.clone(),
            force_path_style: given(self.force_path_style),
            requester_pays: given(self.requester_pays),
            expected_bucket_owner: self.expected_bucket_owner.clone(),
            allow_delete: self.allow_delete,
            allow_overwrite: self.allow_overwrite,
            cache: sized(&self.cache, self.cache_size),
            stage: sized(&self.stage, self.stage_size),
            immutable: self.immutable,
            metadata_ttl: self.metadata_ttl,
            wait_on_close: given(self.wait_on_close),
            retry_timeout: self.retry_timeout,
            uploads: self.objects.options(),
            ..VolumeOptions::default()
        }
    }

    /// Returns the options that are given, and the memory for the contents of files.
    pub(crate) fn options_with(&self, memory: Option<u64>) -> VolumeOptions {
        VolumeOptions {
            memory,
            ..self.options()
        }
    }
}

impl RoleArguments {
    fn options(&self) -> RoleOptions {
        RoleOptions {
            arn: self.role_arn.clone(),
            session_name: self.role_session_name.clone(),
            external_id: self.external_id.clone(),
            oidc_arn: self.oidc_auth_role_arn.clone(),
        }
    }
}

impl EndpointArguments {
    fn options(&self) -> EndpointOptions {
        EndpointOptions {
            dual_stack: self.dual_stack,
            fips: self.fips,
            accelerate: self.accelerate,
        }
    }
}

impl ObjectArguments {
    fn options(&self) -> UploadOptions {
        UploadOptions {
            sse: self.sse.clone(),
            sse_kms_key_id: self.sse_kms_key_id.clone(),
            bucket_key: self.bucket_key,
            storage_class: self.storage_class.clone(),
            acl: self.acl.clone(),
            tags: (!self.tags.is_empty()).then(|| self.tags.clone()),
            checksum: self.checksum.clone(),
        }
    }
}

/// Form of an option that turns a thing on or off: `--name`, `--name=yes`, `--name=no`.
trait SwitchArg {
    /// Gives an argument this form. `alone` is its value where none is written.
    fn switch(self, alone: &'static str) -> Self;
}

impl SwitchArg for Arg {
    fn switch(self, alone: &'static str) -> Self {
        self.value_name("YES|NO")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value(alone)
    }
}

/// Returns the value of a switch, which another layer may set if it is not given.
fn given(switch: bool) -> Option<bool> {
    switch.then_some(true)
}

/// Returns the absolute path. Where there is no current folder, it stays relative and is refused.
fn in_full(dir: &Path) -> PathBuf {
    absolute(dir).unwrap_or_else(|_| dir.to_owned())
}

fn flag(text: &str) -> Result<bool, String> {
    text.parse().map(|Flag(yes)| yes)
}

fn metadata_ttl(text: &str) -> Result<MetadataTtl, String> {
    text.parse()
}

fn tag(text: &str) -> Result<(String, String), String> {
    text.parse().map(|Tag { key, value }| (key, value))
}
