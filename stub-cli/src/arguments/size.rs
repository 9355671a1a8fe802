//! `500MiB`, `10GiB`.

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

/// Reads a size; a bare number is bytes.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, name) = text.split_at(digits);
    let form = || "write a whole number and MiB, GiB or TiB, such as 10GiB".to_owned();
    let unit = UNITS.iter().find(|(unit, _)| *unit == name);
    let (_, unit) = unit.ok_or_else(form)?;
    let number: u64 = number.parse().map_err(|_| form())?;
    match number.checked_mul(*unit) {
        Some(0) => Err("nothing fits into that".to_owned()),
        Some(bytes) => Ok(bytes),
        None => Err("that is too much".to_owned()),
    }
}
