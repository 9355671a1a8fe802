//! Bucket names, and what can take their place.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::access_point::{AccessPointArn, AccessPointKind, NotAnAccessPoint};

/// Name of a bucket, or the alias or ARN of an access point: never a URL, a path or the ARN of a
/// bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketName(String);

/// Kind of a bucket, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketKind {
    /// Bucket with a plain name.
    General,
    /// Directory bucket (S3 Express One Zone), or an access point of one.
    Directory,
    /// Alias of an access point.
    Alias,
    /// ARN of an access point of one region.
    AccessPoint,
    /// Alias of an access point on Outposts.
    OutpostsAlias,
    /// ARN of an access point on Outposts.
    OutpostsAccessPoint,
    /// ARN of a multi-region access point.
    MultiRegion,
}

/// Error of checking a bucket name; the text says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BucketNameError {
    /// Empty name.
    #[error("bucket name is empty\nwrite the name of a bucket")]
    Empty,
    /// URL: `s3://bucket/prefix`, or `http(s)`.
    #[error("`{given}` is a URL, not a bucket name\nwrite `{bucket}`{}", prefix_hint(.prefix))]
    Url {
        /// Text as given.
        given: String,
        /// Bucket that the URL names.
        bucket: String,
        /// Prefix that the URL names; may be empty.
        prefix: String,
    },
    /// ARN: `arn:aws:s3:::bucket`.
    #[error("`{given}` is an ARN, not a bucket name\nwrite `{bucket}`{}", prefix_hint(.prefix))]
    Arn {
        /// Text as given.
        given: String,
        /// Bucket that the ARN names.
        bucket: String,
        /// Prefix that the ARN names; may be empty.
        prefix: String,
    },
    /// ARN of something that can't be mounted.
    #[error("`{given}` names no bucket: {reason}")]
    OtherArn {
        /// Text as given.
        given: String,
        /// Reason, with what to write instead.
        reason: &'static str,
    },
    /// Path: `bucket/prefix`.
    #[error("`{given}` is a path, not a bucket name\nwrite `{bucket}`{}", prefix_hint(.prefix))]
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
        "`{given}` is not a bucket name: {reason}\nwrite 3 to 63 of a-z, 0-9, `-` and `.`, \
         beginning and ending with a letter or digit"
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
            return Self::of_arn(given);
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

    fn of_arn(given: String) -> Result<Self, BucketNameError> {
        let reason = match AccessPointArn::parse(&given) {
            Ok(arn) if arn.prefix.is_empty() && arn.text == given => return Ok(Self(given)),
            Ok(arn) => {
                let (bucket, prefix) = (arn.text.to_owned(), arn.prefix.to_owned());
                return Err(BucketNameError::Arn {
                    bucket,
                    prefix,
                    given,
                });
            }
            Err(NotAnAccessPoint::Bucket) => {
                let resource = given.rsplit(':').next().unwrap_or_default();
                let (bucket, prefix) = split_path(resource);
                return Err(BucketNameError::Arn {
                    bucket,
                    prefix,
                    given,
                });
            }
            Err(NotAnAccessPoint::ObjectLambda) => {
                "the objects of an Object Lambda access point have other bytes than their sizes \
                 say\nwrite the ARN of the access point that supports it"
            }
            Err(NotAnAccessPoint::Directory) => {
                let (_, resource) = given.rsplit_once(':').unwrap_or_default();
                let (_, name) = resource.split_once('/').unwrap_or_default();
                let (bucket, prefix) = split_path(name);
                return Err(BucketNameError::Arn {
                    bucket,
                    prefix,
                    given,
                });
            }
            Err(NotAnAccessPoint::Other) => {
                "it is not the ARN of an access point\nwrite \
                 `arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME`, or the name of a bucket"
            }
        };
        Err(BucketNameError::OtherArn { given, reason })
    }

    /// Splits `bucket/prefix`. The bucket may be the ARN of an access point, which itself has
    /// slashes.
    ///
    /// ```
    /// use s3fs_core::BucketName;
    /// let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports";
    /// assert_eq!(BucketName::split(&format!("{arn}/2024/")), (arn, "2024/"));
    /// assert_eq!(BucketName::split("logs/2024/"), ("logs", "2024/"));
    /// ```
    pub fn split(text: &str) -> (&str, &str) {
        match AccessPointArn::parse(text) {
            Ok(arn) => (arn.text, arn.prefix),
            Err(_) => text.split_once('/').unwrap_or((text, "")),
        }
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the kind of the bucket.
    pub fn kind(&self) -> BucketKind {
        match AccessPointArn::parse(&self.0).map(|arn| arn.kind) {
            Ok(AccessPointKind::Regional) => BucketKind::AccessPoint,
            Ok(AccessPointKind::Outposts) => BucketKind::OutpostsAccessPoint,
            Ok(AccessPointKind::MultiRegion) => BucketKind::MultiRegion,
            Err(_) => kind_of_name(&self.0),
        }
    }

    /// Returns the region that an ARN names.
    pub fn region(&self) -> Option<&str> {
        AccessPointArn::parse(&self.0).ok()?.region
    }
}

/// Endings of names that are no plain names, with their kinds.
const ENDINGS: [(&str, BucketKind); 4] = [
    ("--x-s3", BucketKind::Directory),
    ("--xa-s3", BucketKind::Directory),
    ("-s3alias", BucketKind::Alias),
    ("--op-s3", BucketKind::OutpostsAlias),
];

fn kind_of_name(name: &str) -> BucketKind {
    let mut endings = ENDINGS.iter();
    let found = endings.find(|(ending, _)| name.ends_with(ending));
    found.map_or(BucketKind::General, |(_, kind)| *kind)
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
        assert!(says("arn:aws:s3:::b-1/p").contains("write `b-1` with the key prefix `p/`"));
        let directory = "arn:aws:s3express:us-east-1:1:bucket/b--use1-az4--x-s3";
        assert!(says(directory).ends_with("write `b--use1-az4--x-s3`"));
        assert!(says("b-1/p").contains("write `b-1` with the key prefix `p/`"));
        assert!(says("").contains("empty"));
    }

    #[test]
    fn access_points_take_the_place_of_buckets() {
        use BucketKind as K;
        let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports";
        for (name, kind) in [
            ("my-bucket", K::General),
            ("data--use1-az4--x-s3", K::Directory),
            (
                "reports-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias",
                K::Alias,
            ),
            ("reports-o01ac5d28a6a232904--op-s3", K::OutpostsAlias),
            (arn, K::AccessPoint),
            (
                "arn:aws:s3::123456789012:accesspoint/m.mrap",
                K::MultiRegion,
            ),
            (
                "arn:aws:s3-outposts:us-west-2:1:outpost/op-01/accesspoint/a",
                K::OutpostsAccessPoint,
            ),
        ] {
            assert_eq!(BucketName::new(name).unwrap().kind(), kind, "{name}");
        }
        assert_eq!(BucketName::new(arn).unwrap().region(), Some("eu-west-1"));
        let with_key = BucketName::new(format!("{arn}/a/b")).unwrap_err();
        let expected = format!("write `{arn}` with the key prefix `a/b/`");
        assert!(with_key.to_string().contains(&expected), "{with_key}");
        let lambda = "arn:aws:s3-object-lambda:eu-west-1:1:accesspoint/a";
        let lambda = BucketName::new(lambda).unwrap_err().to_string();
        assert!(lambda.contains("Object Lambda"), "{lambda}");
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
