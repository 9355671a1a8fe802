//! Parsers of sizes, rates and times on the command line.

use std::time::Duration;

/// Parses a size in whole MiB or GiB.
pub fn size(text: &str) -> Result<u64, String> {
    let units = [("MiB", 20), ("GiB", 30)];
    let found = units.iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_shl(*shift).filter(|&size| size > 0)
    });
    found.ok_or_else(|| "write 512MiB or 1GiB".to_owned())
}

/// Parses a bandwidth; returns bytes per second.
pub fn bandwidth(text: &str) -> Result<u64, String> {
    text.strip_suffix("/s")
        .and_then(|text| size(text).ok())
        .ok_or_else(|| "write 90MiB/s".to_owned())
}

/// Parses a time in milliseconds.
pub fn latency(text: &str) -> Result<Duration, String> {
    text.strip_suffix("ms")
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_millis)
        .ok_or_else(|| "write 20ms".to_owned())
}

/// Parses a time in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "write a number of seconds")?;
    Ok(Duration::from_secs(seconds))
}
