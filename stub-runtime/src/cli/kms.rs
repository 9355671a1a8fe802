//! Keys of AWS KMS in a policy.

use std::collections::{BTreeMap, BTreeSet};

use s3fs_core::{Access, EncryptionAlgorithm, MountConfig, partition};
use serde_json::{Value, json};

/// Key, as a policy names it. Policies have no resources for aliases, but a condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    resource: String,
    alias: Option<String>,
}

/// Keys of volumes, with the actions that they need.
#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<Key, BTreeSet<&'static str>>);

impl Keys {
    /// Adds the key that a volume's options name, if they name one. Reading needs it as well.
    pub(super) fn add(&mut self, mount: &MountConfig, region: Option<&str>) {
        use EncryptionAlgorithm::{Kms, KmsDsse};
        let encryption = mount.uploads.encryption.as_ref();
        let encryption = encryption.filter(|it| matches!(it.algorithm, Kms | KmsDsse));
        let Some(key_id) = encryption.and_then(|it| it.key_id.as_ref()) else {
            return;
        };
        let actions = self.0.entry(key(key_id, region)).or_default();
        actions.insert("kms:Decrypt");
        if mount.access != Access::ReadOnly {
            actions.insert("kms:GenerateDataKey");
        }
    }

    /// Returns a statement for each key.
    pub(super) fn statements(&self) -> impl Iterator<Item = Value> {
        self.0.iter().map(|(key, actions)| {
            let mut statement = json!({
                "Effect": "Allow",
                "Action": actions,
                "Resource": [key.resource],
            });
            if let Some(alias) = &key.alias {
                statement["Condition"] =
                    json!({ "ForAnyValue:StringEquals": { "kms:ResourceAliases": alias } });
            }
            statement
        })
    }
}

/// Returns a key in the terms of policies. An ID or alias alone doesn't tell the key's account, and
/// an unknown region is any.
fn key(id: &str, region: Option<&str>) -> Key {
    let named = id.split_once(":alias/").or_else(|| id.split_once(":key/"));
    let (arn, name) = if let Some((arn, name)) = named {
        (arn.to_owned(), name)
    } else {
        let partition = partition(region);
        let region = region.unwrap_or("*");
        let name = id.strip_prefix("alias/").unwrap_or(id);
        (format!("arn:{partition}:kms:{region}:*"), name)
    };
    let is_alias = id.starts_with("alias/") || id.contains(":alias/");
    Key {
        resource: format!("{arn}:key/{}", if is_alias { "*" } else { name }),
        alias: is_alias.then(|| format!("alias/{name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn a_key_is_an_arn_and_an_alias_is_a_condition() {
        for (id, region, resource, alias) in [
            (
                "arn:aws-cn:kms:cn-north-1:123456789012:key/1-2",
                Some("us-east-1"),
                "arn:aws-cn:kms:cn-north-1:123456789012:key/1-2",
                None,
            ),
            (
                "1-2",
                Some("eu-west-1"),
                "arn:aws:kms:eu-west-1:*:key/1-2",
                None,
            ),
            ("mrk-1", None, "arn:aws:kms:*:*:key/mrk-1", None),
            (
                "alias/k/l",
                Some("us-gov-west-1"),
                "arn:aws-us-gov:kms:us-gov-west-1:*:key/*",
                Some("alias/k/l"),
            ),
            (
                "arn:aws:kms:eu-west-1:123456789012:alias/k",
                None,
                "arn:aws:kms:eu-west-1:123456789012:key/*",
                Some("alias/k"),
            ),
        ] {
            let found = key(id, region);
            assert_eq!(found.resource, resource, "{id}");
            assert_eq!(found.alias.as_deref(), alias, "{id}");
        }
    }
}
