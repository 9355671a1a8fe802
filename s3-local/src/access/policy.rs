//! Policies of access keys, in the terms of IAM.

use super::pattern::matches;
use crate::Operation;

/// Permissions of an access key: a list of allowed actions on resources; everything else is denied.
///
/// Resources are written as in IAM, with or without `arn:aws:s3:::`: a bucket's name for actions on a
/// bucket, and the name, a slash and a key for actions on objects. `*` stands for any text in actions
/// and resources.
///
/// ```
/// use s3_local::{Policy, S3Local};
///
/// let policy = Policy::new()
///     .allow("s3:ListBucket", "photos")
///     .allow("s3:GetObject", "photos/2024/*");
/// let server = S3Local::builder().access_key("reader", "secret", policy).start();
/// server.create_bucket("photos");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    action: String,
    resource: String,
    /// A pattern for the prefix of a listing, as the condition key `s3:prefix`.
    list_prefix: Option<String>,
}

/// Permission that a request needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permission<'a> {
    pub(crate) action: &'a str,
    pub(crate) bucket: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) list_prefix: Option<&'a str>,
}

/// Actions that are also checked apart from an operation's own action.
const FURTHER_ACTIONS: &[&str] = &["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];

impl Policy {
    /// Returns a policy that denies everything.
    pub fn new() -> Policy {
        Policy::default()
    }

    /// Returns a policy that allows everything.
    pub fn allow_all() -> Policy {
        Policy::new().allow("s3:*", "*").allow("s3express:*", "*")
    }

    /// Returns a policy to read a bucket: `s3:ListBucket` on it and `s3:GetObject` on its objects.
    pub fn read_only(bucket: &str) -> Policy {
        Policy::new()
            .allow("s3:ListBucket", bucket)
            .allow("s3:GetObject", &format!("{bucket}/*"))
    }

    /// Returns a policy to read and write a bucket: [`read_only`](Policy::read_only), and
    /// `s3:PutObject`, `s3:AbortMultipartUpload` and `s3:DeleteObject` on its objects.
    pub fn read_write(bucket: &str) -> Policy {
        let objects = format!("{bucket}/*");
        Policy::read_only(bucket)
            .allow("s3:PutObject", &objects)
            .allow("s3:AbortMultipartUpload", &objects)
            .allow("s3:DeleteObject", &objects)
    }

    /// Allows an action, such as `s3:GetObject`, on resources, such as `bucket/prefix/*`.
    ///
    /// An action that the server does not know is an error when the server starts.
    #[must_use]
    pub fn allow(self, action: &str, resource: &str) -> Policy {
        self.with(action, resource, None)
    }

    /// Allows `s3:ListBucket` for listings whose prefix matches a pattern, as the IAM condition
    /// `{"StringLike": {"s3:prefix": prefix}}` does. A request without a prefix is denied.
    #[must_use]
    pub fn allow_listing(self, bucket: &str, prefix: &str) -> Policy {
        self.with("s3:ListBucket", bucket, Some(prefix.to_owned()))
    }

    fn with(mut self, action: &str, resource: &str, list_prefix: Option<String>) -> Policy {
        let of_directory = |arn: &str| Some(arn.split_once(":bucket/")?.1.to_owned());
        let resource = match resource.strip_prefix("arn:aws:s3express:") {
            Some(arn) => of_directory(arn).unwrap_or_else(|| resource.to_owned()),
            None => resource
                .strip_prefix("arn:aws:s3:::")
                .unwrap_or(resource)
                .to_owned(),
        };
        let action = action.to_ascii_lowercase();
        self.statements.push(Statement {
            action,
            resource,
            list_prefix,
        });
        self
    }

    pub(crate) fn allows(&self, permission: &Permission<'_>) -> bool {
        let resource = match permission.key {
            Some(key) => format!("{}/{key}", permission.bucket),
            None => permission.bucket.to_owned(),
        };
        let action = permission.action.to_ascii_lowercase();
        self.statements.iter().any(|statement| {
            matches(&statement.action, &action)
                && matches(&statement.resource, &resource)
                && statement.list_prefix.as_ref().is_none_or(|pattern| {
                    permission
                        .list_prefix
                        .is_some_and(|prefix| matches(pattern, prefix))
                })
        })
    }

    /// Returns the first action that can never match, usually a typing mistake.
    pub(crate) fn unknown_action(&self) -> Option<&str> {
        let known = Operation::ALL
            .iter()
            .filter_map(|operation| operation.action());
        let known: Vec<String> = known
            .chain(FURTHER_ACTIONS.iter().copied())
            .map(str::to_ascii_lowercase)
            .collect();
        let actions = self
            .statements
            .iter()
            .map(|statement| statement.action.as_str());
        actions
            .into_iter()
            .find(|pattern| !known.iter().any(|action| matches(pattern, action)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on<'a>(action: &'a str, bucket: &'a str, key: Option<&'a str>) -> Permission<'a> {
        Permission {
            action,
            bucket,
            key,
            list_prefix: None,
        }
    }

    #[test]
    fn what_is_not_allowed_is_denied() {
        let policy = Policy::new().allow("s3:GetObject", "arn:aws:s3:::b/p/*");
        assert!(policy.allows(&on("s3:GetObject", "b", Some("p/x"))));
        assert!(!policy.allows(&on("s3:GetObject", "b", Some("q"))));
        assert!(!policy.allows(&on("s3:GetObject", "other", Some("p/x"))));
        assert!(!policy.allows(&on("s3:PutObject", "b", Some("p/x"))));
        assert!(!Policy::new().allows(&on("s3:GetObject", "b", Some("p/x"))));
    }

    #[test]
    fn a_bucket_is_not_its_objects() {
        let policy = Policy::new().allow("s3:*", "b/*");
        assert!(!policy.allows(&on("s3:ListBucket", "b", None)));
        assert!(Policy::read_write("b").allows(&on("s3:ListBucket", "b", None)));
    }

    #[test]
    fn a_listing_may_be_bound_to_a_prefix() {
        let policy = Policy::new().allow_listing("b", "home/*");
        let list = on("s3:ListBucket", "b", None);
        assert!(policy.allows(&Permission {
            list_prefix: Some("home/me/"),
            ..list
        }));
        assert!(!policy.allows(&Permission {
            list_prefix: Some("etc/"),
            ..list
        }));
        assert!(!policy.allows(&list));
    }

    #[test]
    fn a_misspelt_action_is_found() {
        assert_eq!(Policy::read_write("b").unknown_action(), None);
        assert_eq!(Policy::allow_all().unknown_action(), None);
        let typo = Policy::new().allow("s3:GetObjects", "*");
        assert_eq!(typo.unknown_action(), Some("s3:getobjects"));
    }
}
