//! Roles that a mount assumes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Role that is assumed through STS for the requests of a mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssumedRole {
    /// ARN of the role.
    pub arn: RoleArn,
    /// Name of the session, which the logs of the role's account show; a default one when absent.
    pub session_name: Option<SessionName>,
    /// External ID that the trust policy of the role demands.
    pub external_id: Option<String>,
}

/// ARN of a role, such as `arn:aws:iam::123456789012:role/reader`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn(String);

/// Name of a role's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionName(String);

/// Text that is not the ARN of a role, or not the name of a session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// Text that is not the ARN of a role.
    #[error("`{0}` is not the ARN of a role\nwrite `arn:aws:iam::ACCOUNT:role/NAME`")]
    Arn(String),
    /// Text that is not the name of a session.
    #[error("`{0}` is not the name of a session\nwrite 2 to 64 of a-z, A-Z, 0-9 and `_+=,.@-`")]
    SessionName(String),
}

impl RoleArn {
    /// Returns the ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the partition of the ARN, such as `aws` or `aws-cn`.
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }
}

impl FromStr for RoleArn {
    type Err = RoleError;

    /// Checks the ARN of a role, leniently: other servers have their own services and accounts.
    fn from_str(text: &str) -> Result<Self, RoleError> {
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let is_role = matches!(&*parts, ["arn", partition, .., role]
            if parts.len() == 6 && !partition.is_empty() && !role.is_empty());
        if is_role && !text.contains(char::is_whitespace) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RoleError::Arn(text.to_owned()))
        }
    }
}

impl SessionName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SessionName {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if (2..=64).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(RoleError::SessionName(text.to_owned()))
        }
    }
}

macro_rules! as_text {
    ($($name:ident)+) => {$(
        impl TryFrom<String> for $name {
            type Error = RoleError;

            fn try_from(text: String) -> Result<Self, RoleError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

as_text! { RoleArn SessionName }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_roles_are_told_from_other_texts() {
        for arn in [
            "arn:aws:iam::123456789012:role/reader",
            "arn:aws-cn:iam::123456789012:role/a/b",
            "arn:aws:iam:::role/ceph",
            "arn:minio:iam:::role/x",
        ] {
            assert_eq!(arn.parse::<RoleArn>().unwrap().as_str(), arn);
        }
        for text in [
            "",
            "reader",
            "arn:aws:iam::1",
            "arn:aws:iam::1:",
            "arn:aws:iam::1:role/a b",
        ] {
            let error = text.parse::<RoleArn>().unwrap_err().to_string();
            assert!(error.contains("is not the ARN of a role"), "{error}");
        }
        let chinese: RoleArn = "arn:aws-cn:iam::1:role/a".parse().unwrap();
        assert_eq!(chinese.partition(), "aws-cn");
    }

    #[test]
    fn names_of_sessions_have_the_characters_of_sts() {
        assert!("job-1@host.example".parse::<SessionName>().is_ok());
        for text in ["", "a", "a b", "a/b", &"a".repeat(65)] {
            text.parse::<SessionName>().unwrap_err();
        }
    }
}
