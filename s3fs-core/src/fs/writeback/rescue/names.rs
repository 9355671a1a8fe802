//! Names of local copies: the parts of a key, as far as the local disk can have them.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

/// Longest name of an entry, in bytes. A part of a key may be longer.
const LONGEST: usize = 255;

/// Number of hexadecimal digits that tell a changed name from others.
const DIGITS: usize = 32;

/// Returns the path below a folder for a bucket and key. Different keys have different paths.
pub(super) fn path_of(name: &str) -> PathBuf {
    name.split('/').map(local).collect()
}

/// Returns the part of a key, or as much of it as a name can have, and a hash. A part that looks
/// like such a name also gets a hash.
fn local(part: &str) -> String {
    let is_possible =
        part.len() <= LONGEST && !matches!(part, "" | "." | "..") && !part.contains('\0');
    if is_possible && !has_hash(part) {
        return part.to_owned();
    }
    let beginning = part.split('\0').next().unwrap_or_default();
    let kept = beginning.floor_char_boundary(LONGEST - DIGITS - 1);
    let hash = hex::encode(Sha256::digest(part));
    format!("{}~{}", &beginning[..kept], &hash[..DIGITS])
}

/// Returns whether a name ends like a changed name.
fn has_hash(name: &str) -> bool {
    let digits = name.rsplit_once('~').map(|(_, digits)| digits);
    digits.is_some_and(|digits| {
        digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_part_that_can_be_a_name_is_one() {
        for name in ["bucket/d/a name", "b/~", "b/x~12", "b/ä\n\u{7f}"] {
            assert_eq!(path_of(name), PathBuf::from(name));
        }
        let longest = "x".repeat(LONGEST);
        assert_eq!(local(&longest), longest);
    }

    #[test]
    fn a_part_that_can_not_be_a_name_is_cut_between_characters() {
        let long = "ä".repeat(200);
        let cut = local(&long);
        assert!(cut.len() <= LONGEST && cut.starts_with("ää"), "{cut}");
        let below = path_of(&format!("b/{long}/../f\0g//x"));
        let parts: Vec<_> = below.iter().collect();
        assert_eq!(parts.len(), 6, "{below:?}");
        assert!(parts[3].to_str().unwrap().starts_with("f~"), "{below:?}");
        assert!(below.is_relative() && !below.iter().any(|part| part == ".."));
    }

    #[test]
    fn two_names_are_never_one() {
        let long = "x".repeat(300);
        let cut = local(&format!("{long}1"));
        let names = [
            format!("{long}1"),
            format!("{long}2"),
            cut.clone(),
            local(&cut),
            String::new(),
            local(""),
            ".".to_owned(),
            "\0".to_owned(),
        ];
        let paths: HashSet<_> = names.iter().map(|name| local(name)).collect();
        assert_eq!(paths.len(), names.len());
        assert!(paths.iter().all(|name| name.len() <= LONGEST));
    }
}
