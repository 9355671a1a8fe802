//! Parsers of sizes, rates and times on the command line.

use std::time::Duration;

use bytesize::ByteSize;
use jiff::SignedDuration;

/// Parses a size, such as 512MiB.
pub fn size(text: &str) -> Result<u64, String> {
    text.parse().map(|ByteSize(bytes)| bytes)
}

/// Parses a bandwidth, such as 90MiB/s; returns bytes per second.
pub fn bandwidth(text: &str) -> Result<u64, String> {
    size(text.strip_suffix("/s").ok_or("write 90MiB/s")?)
}

/// Parses a time, such as 20ms.
pub fn latency(text: &str) -> Result<Duration, jiff::Error> {
    text.parse::<SignedDuration>()?.try_into()
}

/// Parses a time in seconds.
pub fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}
