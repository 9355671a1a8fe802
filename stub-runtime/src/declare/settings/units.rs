//! Sizes, times and other values as text: in `stub.toml` and on command lines.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::declare::options::EngineName;
use crate::declare::schedule::Schedule;
use crate::declare::volume::MetadataTtl;

/// `90`, `90s`, `15m`, `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

/// `500MiB`, `10GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// Permission bits in octal, as `chmod` takes them: `644`, `0644` or `0o644`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

/// `yes` or `no`, also as `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag(pub bool);

/// Tag of objects: `KEY:VALUE`. The key has no `:`, and the value may have some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Key.
    pub key: String,
    /// Value, which may be empty.
    pub value: String,
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

impl FromStr for MetadataTtl {
    type Err = String;

    /// Parses a time or a word, as Mountpoint has them.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "minimal" => Ok(Self::Minimal),
            "indefinite" => Ok(Self::Indefinite),
            text => match text.parse() {
                Ok(Time(ttl)) => Ok(Self::For(ttl)),
                Err(reason) => Err(format!("{reason}, or `minimal` or `indefinite`")),
            },
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

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        match u32::from_str_radix(digits, 8) {
            Ok(mode) if mode <= 0o777 => Ok(Self(mode)),
            _ => Err("write three octal digits, such as 644".to_owned()),
        }
    }
}

impl FromStr for Flag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "yes" | "true" => Ok(Self(true)),
            "no" | "false" => Ok(Self(false)),
            _ => Err("write yes or no".to_owned()),
        }
    }
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((key, value)) => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            None => Err("write KEY:VALUE".to_owned()),
        }
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

from_text! { Time MetadataTtl Size Schedule EngineName }
