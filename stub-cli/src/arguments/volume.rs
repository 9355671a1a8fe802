//! Argument of the form `/my-mount=s3://bucket/prefix[:OPTIONS]`.

use std::env;
use std::str::FromStr;

use stub_runtime::declare::VolumeUrl;
use stub_runtime::{CloudBucketMount, VolumePath};

/// Placeholder of the argument.
pub(super) const VOLUME_FORM: &str = "PATH=S3_URL[:OPTIONS]";

/// Short help.
pub(super) const VOLUME: &str =
    "Mount a bucket, or a prefix of it, on a folder: `/my-mount=s3://bucket/prefix[:ro]`";

/// Long help.
pub(super) const VOLUME_LONG: &str = "\
Mount a bucket, or a prefix of it, on a folder: `/my-mount=s3://bucket/prefix[:ro]`

Options of this volume follow a `:`, separated by commas: `:ro,region=eu-west-1,sse=aws:kms`. They precede \
options for all volumes, which precede stub.toml. An option is `ro` for reading only, `rw`, `immutable`, or NAME=VALUE. \
Switches take yes or no. A comma in a value is written `\\,`.

Names: accelerate, acl, allow-delete, allow-overwrite, bucket-key, cache, cache-size, checksum, dir-mode, \
dual-stack, endpoint-url (or endpoint), expected-bucket-owner (owner), external-id, file-mode, fips, \
force-path-style (path-style), gid, immutable, memory, metadata-ttl, no-sign-request (anonymous), oidc-auth-role-arn, \
prefix, profile, region, requester-pays, retry-timeout, role-arn, role-session-name, secret, sse, sse-kms-key-id, stage, stage-size, \
storage-class, tag (KEY:VALUE, repeatable), uid, wait-on-close.";

/// Bucket, or a prefix of it, and the folder to mount it on.
#[derive(Clone, Debug)]
pub(crate) struct VolumeArgument {
    pub(crate) path: VolumePath,
    pub(crate) url: VolumeUrl,
}

impl VolumeArgument {
    /// Returns the volume of the URL. Relative paths of its options begin at the current folder.
    pub(crate) fn volume(&self) -> CloudBucketMount {
        // Where there is no current folder, a path stays relative and is refused.
        self.url.volume(&env::current_dir().unwrap_or_default())
    }
}

impl FromStr for VolumeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "volume has no `=s3://`\nwrite /path=s3://bucket/prefix, and :ro after it for reading only";
        // A path may hold a `=`, and so may a prefix. No path holds `=s3://`: it has no `//`.
        let (path, url) = match text.find("=s3://") {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text.split_once('=').ok_or_else(|| FORM.to_owned())?.0, None),
        };
        let path = VolumePath::new(path).map_err(|error| error.to_string())?;
        let url = url.ok_or_else(|| FORM.to_owned())?.parse()?;
        Ok(Self { path, url })
    }
}
