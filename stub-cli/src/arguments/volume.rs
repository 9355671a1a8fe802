//! `/my-mount=s3://bucket/prefix[:ro]`.

use std::str::FromStr;

use stub_runtime::{CloudBucketMount, VolumePath};

/// A bucket, or a prefix of one, and the folder it is.
///
/// A prefix names a folder: a `/` at its end is added if it is missing. One that itself ends in
/// `:ro` is written with `:rw` after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VolumeArgument {
    pub(crate) path: VolumePath,
    pub(crate) bucket: String,
    prefix: String,
    read_only: bool,
}

impl VolumeArgument {
    /// The volume.
    pub(crate) fn volume(&self) -> CloudBucketMount {
        CloudBucketMount::new(&self.bucket)
            .key_prefix(&self.prefix)
            .read_only(self.read_only)
    }
}

impl FromStr for VolumeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write /path=s3://bucket/prefix, and :ro after it for reading only";
        let (path, source) = text.split_once('=').ok_or_else(|| FORM.to_owned())?;
        let path = VolumePath::new(path).map_err(|error| error.to_string())?;
        let url = source
            .strip_prefix("s3://")
            .ok_or_else(|| FORM.to_owned())?;
        let (url, read_only) = match url.rsplit_once(':') {
            Some((url, "ro")) => (url, true),
            Some((url, "rw")) => (url, false),
            _ => (url, false),
        };
        let (bucket, prefix) = url.split_once('/').unwrap_or((url, ""));
        let mut prefix = prefix.to_owned();
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        let argument = Self {
            path,
            bucket: bucket.to_owned(),
            prefix,
            read_only,
        };
        // Early, so that a mistake in the bucket or the prefix is one of usage.
        argument
            .volume()
            .into_config()
            .map_err(|error| error.to_string())?;
        Ok(argument)
    }
}
