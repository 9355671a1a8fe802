//! Argument of the form `/my-mount=s3://bucket/prefix[:ro]`.

use std::str::FromStr;

use stub_runtime::declare::VolumeUrl;
use stub_runtime::{CloudBucketMount, VolumePath};

/// Bucket, or a prefix of it, and the folder to mount it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VolumeArgument {
    pub(crate) path: VolumePath,
    pub(crate) url: VolumeUrl,
}

impl VolumeArgument {
    /// Returns the volume of the URL.
    pub(crate) fn volume(&self) -> CloudBucketMount {
        self.url.volume()
    }
}

impl FromStr for VolumeArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write /path=s3://bucket/prefix, and :ro after it for reading only";
        // A path may hold a `=`, and so may a prefix.
        let (path, url) = match text.find("=s3://") {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text.split_once('=').ok_or_else(|| FORM.to_owned())?.0, None),
        };
        let path = VolumePath::new(path).map_err(|error| error.to_string())?;
        let url = url.ok_or_else(|| FORM.to_owned())?.parse()?;
        Ok(Self { path, url })
    }
}
