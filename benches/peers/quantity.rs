//! Sizes, rates and times as the command line has them.

use std::time::Duration;

/// A size in whole MiB.
pub fn size(text: &str) -> Result<u64, String> {
    let units = [("MiB", 20), ("GiB", 30)];
    let found = units.iter().find_map(|(unit, shift)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_shl(*shift).filter(|&size| size > 0)
    });
    found.ok_or_else(|| "write 512MiB or 1GiB".to_owned())
}

/// Bytes per second.
pub fn bandwidth(text: &str) -> Result<u64, String> {
    text.strip_suffix("/s")
        .and_then(|text| size(text).ok())
        .ok_or_else(|| "write 90MiB/s".to_owned())
}

/// A time in milliseconds.
pub fn latency(text: &str) -> Result<Duration, String> {
    text.strip_suffix("ms")
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_millis)
        .ok_or_else(|| "write 20ms".to_owned())
}

/// A time in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "write a number of seconds")?;
    Ok(Duration::from_secs(seconds))
}
