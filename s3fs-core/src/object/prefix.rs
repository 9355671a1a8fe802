//! Key prefixes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Part of a key before a folder's entries: empty, or ending in `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(String);

/// Error of checking a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// Prefix without a slash at its end, such as `data`: S3 would match `database` as well.
    #[error("key prefix `{given}` does not end in `/`\nwrite `{given}/`")]
    NoSlash {
        /// Text as given.
        given: String,
    },
    /// Prefix with a slash at its start, such as `/data/`: S3 keys don't begin with one.
    #[error("key prefix `{given}` begins with `/`, as no key does\nwrite `{}`", given.trim_start_matches('/'))]
    LeadingSlash {
        /// Text as given.
        given: String,
    },
    /// Prefix longer than any key.
    #[error("key prefix has {length} bytes, and keys of S3 have at most 1024")]
    TooLong {
        /// Length in bytes.
        length: usize,
    },
}

impl Prefix {
    /// Returns the empty prefix: the whole bucket.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// Checks a prefix given by a user.
    ///
    /// # Errors
    /// Fails if it doesn't end in `/`, begins with one, or is too long. The error says what to write
    /// instead.
    pub fn new(given: impl Into<String>) -> Result<Self, PrefixError> {
        let given = given.into();
        if given.len() > 1024 {
            return Err(PrefixError::TooLong {
                length: given.len(),
            });
        }
        if !given.is_empty() && !given.ends_with('/') {
            return Err(PrefixError::NoSlash { given });
        }
        if given.starts_with('/') {
            return Err(PrefixError::LeadingSlash { given });
        }
        Ok(Self(given))
    }

    /// Returns the prefix as S3 takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is the whole bucket.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Prefix {
    type Error = PrefixError;

    fn try_from(value: String) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Prefix> for String {
    fn from(value: Prefix) -> Self {
        value.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_in_a_slash_and_does_not_begin_with_one() {
        assert!(Prefix::new("").unwrap().is_root());
        assert_eq!(Prefix::new("a/b/").unwrap().as_str(), "a/b/");
        assert!(
            Prefix::new("a/b")
                .unwrap_err()
                .to_string()
                .contains("write `a/b/`")
        );
        assert!(
            Prefix::new("/a/")
                .unwrap_err()
                .to_string()
                .contains("write `a/`")
        );
        assert!(matches!(
            Prefix::new("a".repeat(1025)),
            Err(PrefixError::TooLong { length: 1025 })
        ));
    }
}
