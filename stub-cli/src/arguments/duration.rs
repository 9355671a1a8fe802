//! `90`, `90s`, `15m`, `2h`.

use std::time::Duration;

/// Reads a duration; a bare number is seconds.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
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
        Some(0) => Err("nothing runs in no time".to_owned()),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err("that is too long".to_owned()),
    }
}
