//! Bucket names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Name of a bucket: never a URL, an ARN or a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketName(String);

/// Error of checking a bucket name; the text says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BucketNameError {
    /// Empty name.
    #[error("the bucket name is empty")]
    Empty,
    /// URL: `s3://bucket/prefix`, or `http(s)`.
    #[error("`{given}` is a URL, not a bucket name: write `{bucket}`{}", prefix_hint(.prefix))]
    Url {
        /// Text as given.
        given: String,
        /// Bucket that the URL names.
        bucket: String,
        /// Prefix that the URL names; may be empty.
        prefix: String,
    },
    /// ARN: `arn:aws:s3:::bucket`.
    #[error("`{given}` is an ARN, not a bucket name: write `{bucket}`{}", prefix_hint(.prefix))]
    Arn {
        /// Text as given.
        given: String,
        /// Bucket that the ARN names.
        bucket: String,
        /// Prefix that the ARN names; may be empty.
        prefix: String,
    },
    /// Path: `bucket/prefix`.
    #[error("`{given}` holds a `/`: write the bucket `{bucket}`{}", prefix_hint(.prefix))]
    Path {
        /// Text as given.
        given: String,
        /// Part before the first `/`.
        bucket: String,
        /// Part after it.
        prefix: String,
    },
    /// Text whose length or characters are not allowed.
    #[error(
        "`{given}` is not a bucket name: {reason} (3 to 63 of a-z, 0-9, `-` and `.`, \
         beginning and ending with a letter or digit)"
    )]
    Invalid {
        /// Text as given.
        given: String,
        /// Rule that it breaks.
        reason: &'static str,
    },
}

fn prefix_hint(prefix: &str) -> String {
    let prefix = prefix.trim_matches('/');
    if prefix.is_empty() {
        String::new()
    } else {
        format!(" with the key prefix `{prefix}/`")
    }
}

impl BucketName {
    /// Checks a bucket's name by the
    /// [naming rules](https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html),
    /// leniently where older buckets and other servers differ (upper case, `_`, up to 255 bytes).
    ///
    /// # Errors
    /// Fails if it is not a bucket name. For a URL, an ARN or a path, the error says what to write
    /// instead.
    ///
    /// ```
    /// use s3fs_core::BucketName;
    /// assert!(BucketName::new("my-bucket").is_ok());
    /// let error = BucketName::new("s3://my-bucket/data").unwrap_err();
    /// assert!(error.to_string().contains("write `my-bucket` with the key prefix `data/`"));
    /// ```
    pub fn new(given: impl Into<String>) -> Result<Self, BucketNameError> {
        let given = given.into();
        if given.is_empty() {
            return Err(BucketNameError::Empty);
        }
        if let Some((scheme, rest)) = given.split_once("://") {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (bucket, prefix) = if scheme.starts_with("http") {
                bucket_of_http_url(host, path)
            } else {
                (host.to_owned(), path.to_owned())
            };
            return Err(BucketNameError::Url {
                bucket,
                prefix,
                given,
            });
        }
        if given.starts_with("arn:") {
            let resource = given.rsplit(':').next().unwrap_or_default();
            let (bucket, prefix) = split_path(resource);
            return Err(BucketNameError::Arn {
                bucket,
                prefix,
                given,
            });
        }
        if given.contains('/') {
            let (bucket, prefix) = split_path(&given);
            return Err(BucketNameError::Path {
                bucket,
                prefix,
                given,
            });
        }
        match broken_rule(&given) {
            Some(reason) => Err(BucketNameError::Invalid { given, reason }),
            None => Ok(Self(given)),
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn split_path(text: &str) -> (String, String) {
    let (bucket, prefix) = text.split_once('/').unwrap_or((text, ""));
    (bucket.to_owned(), prefix.to_owned())
}

/// Splits `https://bucket.s3.region.amazonaws.com/prefix` and `https://host/bucket/prefix`.
fn bucket_of_http_url(host: &str, path: &str) -> (String, String) {
    match host.split_once(".s3.").or_else(|| host.split_once(".s3-")) {
        Some((bucket, _)) => (bucket.to_owned(), path.to_owned()),
        None => split_path(path),
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric();
    if name.len() < 3 {
        return Some("it is too short");
    }
    if name.len() > 255 {
        return Some("it is too long");
    }
    if !name
        .chars()
        .all(|c| plain(c) || matches!(c, '-' | '.' | '_'))
    {
        return Some("it has a character that bucket names don't have");
    }
    if !(name.starts_with(plain) && name.ends_with(plain)) {
        return Some("it begins or ends with punctuation");
    }
    None
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for BucketName {
    type Error = BucketNameError;

    fn try_from(value: String) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<BucketName> for String {
    fn from(value: BucketName) -> Self {
        value.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_write_is_said_for_urls_arns_and_paths() {
        let says = |given: &str| BucketName::new(given).unwrap_err().to_string();
        assert!(says("s3://b-1/x/y").contains("write `b-1` with the key prefix `x/y/`"));
        assert!(says("s3://b-1").ends_with("write `b-1`"));
        assert!(says("https://b-1.s3.eu-west-1.amazonaws.com/p").contains("write `b-1`"));
        assert!(
            says("http://localhost:9000/b-1/p").contains("write `b-1` with the key prefix `p/`")
        );
        assert!(says("arn:aws:s3:::b-1/p").contains("an ARN"));
        assert!(says("b-1/p").contains("write the bucket `b-1` with the key prefix `p/`"));
        assert!(says("").contains("empty"));
    }

    #[test]
    fn the_naming_rules_hold() {
        for good in ["abc", "my.bucket-1", "Old_Bucket"] {
            assert!(BucketName::new(good).is_ok(), "{good}");
        }
        for bad in ["ab", "-abc", "abc.", "a b c", "bücket"] {
            assert!(
                matches!(BucketName::new(bad), Err(BucketNameError::Invalid { .. })),
                "{bad}"
            );
        }
    }
}
