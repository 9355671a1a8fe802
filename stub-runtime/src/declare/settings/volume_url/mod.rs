//! Volumes as text: `s3://bucket/prefix:ro,region=eu-west-1`.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use s3fs_core::BucketName;
use serde::{Deserialize, Deserializer, de};

use super::volume_option::{self, Given};
use crate::declare::secret::Secret;
use crate::declare::volume::{CloudBucketMount, FolderOptions, UploadOptions, VolumeOptions};

/// `s3://BUCKET[/PREFIX][:OPTION[,OPTION…]]`.
///
/// An option is `ro`, `rw`, `immutable` or `NAME=VALUE`. The options begin after the first `:` that is followed
/// by one; any other `:` belongs to the prefix. In a value, `\,` is a comma and `\\` a backslash.
#[derive(Clone, Debug)]
pub struct VolumeUrl {
    /// The bucket's name.
    pub bucket: String,
    given: Given,
}

const FORM: &str =
    "volume has no `s3://`\nwrite s3://bucket/prefix, and :ro after it for reading only";

impl VolumeUrl {
    /// Returns the volume. Relative paths of its options begin at this folder.
    pub fn volume(&self, folder: &Path) -> CloudBucketMount {
        let mut options = self.given.options.clone();
        options.cache = options.cache.below(folder);
        options.stage = options.stage.below(folder);
        let secret = self.given.secret.as_ref();
        options.secret = secret.map(|name| Arc::new(Secret::from_name(name)));
        CloudBucketMount::with_options(&self.bucket, options)
    }

    /// Checks all that needs no other layer of options, so that an error names the place of the
    /// volume in the file.
    fn check(&self) -> Result<(), String> {
        let options = self.given.options.clone();
        let options = VolumeOptions {
            uploads: UploadOptions::default(),
            cache: FolderOptions::default(),
            stage: FolderOptions::default(),
            role: options.role.without_strays(),
            ..options
        };
        let volume = CloudBucketMount::with_options(&self.bucket, options);
        match volume.into_config() {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl FromStr for VolumeUrl {
    type Err = String;

    /// Parses a volume. A prefix names a folder: a `/` at its end is added if it is missing.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some(url) = text.strip_prefix("s3://") else {
            return Err(FORM.to_owned());
        };
        let (place, options) = split(url);
        let (bucket, prefix) = BucketName::split(place);
        let mut given = volume_option::parse(options.unwrap_or_default())?;
        given.set_prefix(prefix)?;
        let volume = Self {
            bucket: bucket.to_owned(),
            given,
        };
        volume.check()?;
        Ok(volume)
    }
}

impl<'de> Deserialize<'de> for VolumeUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Splits a URL into its place and its options.
fn split(url: &str) -> (&str, Option<&str>) {
    let mut colons = url.match_indices(':');
    match colons.find(|(at, _)| volume_option::begins(&url[at + 1..])) {
        Some((at, _)) => (&url[..at], Some(&url[at + 1..])),
        None => (url, None),
    }
}

#[cfg(test)]
mod tests;
