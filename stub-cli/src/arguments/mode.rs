//! Permission bits, in octal as `chmod` takes them.

/// Parses `644`, `0644` or `0o644`.
pub(super) fn parse(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("write three octal digits, such as 644".to_owned()),
    }
}
