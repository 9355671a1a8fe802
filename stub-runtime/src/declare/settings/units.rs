//! Sizes, times and places as text: in `stub.toml` and on command lines.

use std::str::FromStr;
use std::time::Duration;

use s3fs_core::BucketName;
use serde::{Deserialize, Deserializer, de};

use crate::declare::options::EngineName;
use crate::declare::schedule::Schedule;
use crate::declare::volume::CloudBucketMount;

/// `90`, `90s`, `15m`, `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

/// `500MiB`, `10GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// `s3://bucket/prefix[:ro]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeUrl {
    /// The bucket's name.
    pub bucket: String,
    prefix: String,
    read_only: bool,
}

// No library parses them: `bytesize` takes 10G for 10 GB and 99999999TiB for the largest number instead of
// refusing them, and `jiff` refuses a bare number and would be in every program for this alone.

const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// Splits a text into a number and its unit.
fn parts(text: &str) -> (&str, &str) {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    text.split_at(digits)
}

impl FromStr for Time {
    type Err = String;

    /// Parses a time; a bare number is seconds.
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = parts(text);
        let seconds = match unit {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err("write a number and s, m or h, such as 90s".to_owned()),
        };
        let number: u64 = number
            .parse()
            .map_err(|_| "write a number first, such as 90s".to_owned())?;
        match number.checked_mul(seconds) {
            Some(0) => Err("duration must be greater than zero".to_owned()),
            Some(seconds) => Ok(Self(Duration::from_secs(seconds))),
            None => Err("that is too long".to_owned()),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    /// Parses a size; a bare number is bytes.
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, name) = parts(text);
        let form = || "write a whole number and MiB, GiB or TiB, such as 10GiB".to_owned();
        let unit = UNITS.iter().find(|(unit, _)| *unit == name);
        let (_, unit) = unit.ok_or_else(form)?;
        let number: u64 = number.parse().map_err(|_| form())?;
        match number.checked_mul(*unit) {
            Some(0) => Err("nothing fits into that".to_owned()),
            Some(bytes) => Ok(Self(bytes)),
            None => Err("that is too much".to_owned()),
        }
    }
}

impl VolumeUrl {
    /// Returns the volume.
    pub fn volume(&self) -> CloudBucketMount {
        CloudBucketMount::new(&self.bucket)
            .key_prefix(&self.prefix)
            .read_only(self.read_only)
    }
}

impl FromStr for VolumeUrl {
    type Err = String;

    /// Parses a URL. A prefix names a folder: a `/` at its end is added if it is missing. A prefix
    /// that itself ends in `:ro` is written with `:rw` after it.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some(url) = text.strip_prefix("s3://") else {
            return Err("write s3://bucket/prefix, and :ro after it for reading only".to_owned());
        };
        let (url, read_only) = match url.rsplit_once(':') {
            Some((url, "ro")) => (url, true),
            Some((url, "rw")) => (url, false),
            _ => (url, false),
        };
        let (bucket, prefix) = BucketName::split(url);
        let mut prefix = prefix.to_owned();
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        let volume = Self {
            bucket: bucket.to_owned(),
            prefix,
            read_only,
        };
        // Checked early, so that an error names the place of the bucket or prefix in the file.
        volume
            .volume()
            .into_config()
            .map_err(|error| error.to_string())?;
        Ok(volume)
    }
}

macro_rules! from_text {
    ($($ty:ty)+) => {$(
        impl<'de> Deserialize<'de> for $ty {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

from_text! { Time Size VolumeUrl Schedule EngineName }
