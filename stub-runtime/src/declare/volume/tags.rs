//! Rules of S3 for the tags of an object.

use std::collections::HashSet;

/// Maximum number of tags of an object.
const MAX_TAGS: usize = 10;

/// Maximum number of characters of a key.
const MAX_KEY: usize = 128;

/// Maximum number of characters of a value.
const MAX_VALUE: usize = 256;

/// Rule that the tags break; the text has the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// More than 10 tags.
    #[error("an object has at most {MAX_TAGS} tags, not {0}")]
    TooMany(usize),
    /// Empty key.
    #[error("a tag has an empty key\nwrite a key of 1 to {MAX_KEY} characters")]
    EmptyKey,
    /// Key that two tags have.
    #[error("two tags have the key `{0}`\nleave one out")]
    Twice(String),
    /// Key longer than 128 characters.
    #[error("the key of the tag `{0}` has more than {MAX_KEY} characters")]
    LongKey(String),
    /// Value longer than 256 characters.
    #[error("the value of the tag `{0}` has more than {MAX_VALUE} characters")]
    LongValue(String),
    /// Key with a prefix that belongs to AWS.
    #[error("the tag `{0}` begins with `aws:`, which only AWS may set\nwrite another key")]
    Reserved(String),
    /// Key or value with a character that S3 refuses.
    #[error(
        "the tag `{key}` has the character {character:?}\n\
         use letters, digits, spaces and + - = . _ : / @"
    )]
    Character {
        /// Key of the tag.
        key: String,
        /// First character that is refused.
        character: char,
    },
}

/// Checks the tags of an object.
pub(super) fn check(tags: &[(String, String)]) -> Result<(), TagError> {
    if tags.len() > MAX_TAGS {
        return Err(TagError::TooMany(tags.len()));
    }
    let mut keys = HashSet::new();
    for (key, value) in tags {
        check_one(key, value)?;
        if !keys.insert(key) {
            return Err(TagError::Twice(key.clone()));
        }
    }
    Ok(())
}

fn check_one(key: &str, value: &str) -> Result<(), TagError> {
    if key.is_empty() {
        return Err(TagError::EmptyKey);
    }
    if key.chars().count() > MAX_KEY {
        return Err(TagError::LongKey(key.chars().take(MAX_KEY).collect()));
    }
    if value.chars().count() > MAX_VALUE {
        return Err(TagError::LongValue(key.to_owned()));
    }
    if key
        .get(..4)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("aws:"))
    {
        return Err(TagError::Reserved(key.to_owned()));
    }
    let is_refused = |c: &char| !(c.is_alphanumeric() || "+-=._:/@ ".contains(*c));
    match key.chars().chain(value.chars()).find(is_refused) {
        Some(character) => Err(TagError::Character {
            key: key.to_owned(),
            character,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: &str) -> Result<(), TagError> {
        check(&[(key.to_owned(), value.to_owned())])
    }

    #[test]
    fn letters_digits_and_some_punctuation_are_allowed() {
        for (key, value) in [
            ("project", ""),
            ("cost centre", "a+b-c=d.e_f:g/h@i"),
            ("größe", "八"),
            ("awsome", "aws:value"),
        ] {
            assert_eq!(one(key, value), Ok(()), "{key}");
        }
        for (key, value, refused) in [("a,b", "", ','), ("a", "b\n", '\n'), ("a", "x&y", '&')] {
            let expected = TagError::Character {
                key: key.to_owned(),
                character: refused,
            };
            assert_eq!(one(key, value), Err(expected));
        }
    }

    #[test]
    fn keys_and_values_have_bounds_in_characters() {
        assert_eq!(one(&"ä".repeat(128), &"ö".repeat(256)), Ok(()));
        let long = "k".repeat(129);
        assert_eq!(one(&long, ""), Err(TagError::LongKey("k".repeat(128))));
        let value = "v".repeat(257);
        assert_eq!(one("k", &value), Err(TagError::LongValue("k".into())));
        assert_eq!(one("", "v"), Err(TagError::EmptyKey));
    }

    #[test]
    fn keys_are_ones_own_and_differ() {
        for key in ["aws:x", "AWS:x"] {
            assert_eq!(one(key, ""), Err(TagError::Reserved(key.into())));
        }
        let twice = ["a", "A", "a"].map(|key| (key.to_owned(), String::new()));
        assert_eq!(check(&twice), Err(TagError::Twice("a".into())));
        let tags = |count| (0..count).map(|n| (n.to_string(), String::new()));
        assert_eq!(check(&tags(10).collect::<Vec<_>>()), Ok(()));
        let eleven = tags(11).collect::<Vec<_>>();
        assert_eq!(check(&eleven), Err(TagError::TooMany(11)));
    }
}
