//! Command `policy`: the least IAM policy for all declared volumes.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use s3fs_core::{Access, BucketKind, BucketName, MountConfig};
use serde_json::{Value, json};

use super::exit::CommandFailure;
use super::kms::Keys;
use super::tables;
use crate::host::config;

/// Returns the least policy for these volumes. The environment's region tells the partition of
/// volumes without one: credentials are of one partition.
pub fn least_policy<'a>(mounts: impl Iterator<Item = &'a MountConfig>) -> Value {
    policy(mounts, config::region().as_deref())
}

/// Returns the least policy for these volumes, whose region is `usual` unless they have their own.
fn policy<'a>(mounts: impl Iterator<Item = &'a MountConfig>, usual: Option<&str>) -> Value {
    let mut buckets: BTreeMap<String, (&MountConfig, Needs)> = BTreeMap::new();
    let mut keys = Keys::default();
    for mount in mounts {
        let empty = || (mount, Needs::default());
        let (_, needs) = buckets
            .entry(mount.bucket.to_string())
            .or_insert_with(empty);
        needs.add(mount);
        keys.add(mount, mount.region.as_deref().or(usual));
    }
    let statements: Vec<Value> = buckets
        .values()
        .flat_map(|(mount, needs)| {
            needs.statements(&mount.bucket, mount.region.as_deref().or(usual))
        })
        .chain(keys.statements())
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Permissions needed in a bucket, by prefix.
#[derive(Debug, Default)]
struct Needs {
    prefixes: BTreeSet<String>,
    /// Prefixes by action; each action but `s3:GetObjectTagging` changes objects.
    writes: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Needs {
    fn add(&mut self, mount: &MountConfig) {
        let prefix = mount.prefix.to_string();
        for action in actions(mount) {
            self.writes
                .entry(action)
                .or_default()
                .insert(prefix.clone());
        }
        self.prefixes.insert(prefix);
    }

    fn statements(&self, bucket: &BucketName, region: Option<&str>) -> Vec<Value> {
        if bucket.kind() == BucketKind::Directory {
            return vec![self.sessions(bucket, region)];
        }
        let objects = |prefixes: &BTreeSet<String>| -> Vec<String> {
            let each = minimal(prefixes).into_iter();
            each.map(|prefix| bucket.objects_arn(region, &format!("{prefix}*")))
                .collect()
        };
        let mut list = json!({
            "Effect": "Allow",
            "Action": bucket.action("s3:ListBucket"),
            "Resource": bucket.arn(region),
        });
        let prefixes = minimal(&self.prefixes);
        if !prefixes.contains("") {
            let patterns: Vec<_> = prefixes.iter().map(|prefix| format!("{prefix}*")).collect();
            list["Condition"] = json!({ "StringLike": { "s3:prefix": patterns } });
        }
        let mut statements = vec![
            list,
            json!({
                "Effect": "Allow",
                "Action": bucket.action("s3:GetObject"),
                "Resource": objects(&self.prefixes),
            }),
        ];
        let mut by_resource: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
        for (action, prefixes) in &self.writes {
            by_resource
                .entry(objects(prefixes))
                .or_default()
                .push(bucket.action(action));
        }
        statements.extend(by_resource.into_iter().map(|(resource, actions)| {
            json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
        }));
        statements
    }
}

impl Needs {
    /// Returns the statement about a directory bucket, whose sessions allow all requests about objects, or
    /// those that read.
    fn sessions(&self, bucket: &BucketName, region: Option<&str>) -> Value {
        let mut create = json!({
            "Effect": "Allow",
            "Action": bucket.action("s3:GetObject"),
            "Resource": bucket.arn(region),
        });
        if self.writes.is_empty() {
            let mode = json!({ "s3express:SessionMode": "ReadOnly" });
            create["Condition"] = json!({ "StringEquals": mode });
        }
        create
    }
}

/// Returns the actions on objects that a volume needs besides reading.
fn actions(mount: &MountConfig) -> Vec<&'static str> {
    let Access::ReadWrite { delete, .. } = mount.access else {
        return Vec::new();
    };
    let mut actions = vec!["s3:PutObject", "s3:AbortMultipartUpload"];
    if delete {
        actions.push("s3:DeleteObject");
    }
    if !mount.uploads.tags.is_empty() {
        actions.extend(["s3:PutObjectTagging", "s3:GetObjectTagging"]);
    }
    if mount.uploads.acl.is_some() {
        actions.push("s3:PutObjectAcl");
    }
    actions
}

/// Returns the prefixes that are not below another one.
fn minimal(prefixes: &BTreeSet<String>) -> BTreeSet<&str> {
    let covers = |prefix: &str| {
        let mut others = prefixes.iter();
        others.any(|other| other != prefix && prefix.starts_with(other.as_str()))
    };
    prefixes
        .iter()
        .map(String::as_str)
        .filter(|prefix| !covers(prefix))
        .collect()
}

/// Runs `policy`.
pub(super) fn print() -> Result<ExitCode, CommandFailure> {
    let declared = tables::declared()?;
    let policy = least_policy(declared.iter().map(|one| &one.mount));
    super::print::print(&format!("{policy:#}\n"))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use s3fs_core::{BucketName, Encryption, EncryptionAlgorithm, Prefix};

    use super::*;

    fn mount(bucket: &str, prefix: &str, access: Access) -> MountConfig {
        let mut mount = MountConfig::new(BucketName::new(bucket).unwrap());
        mount.prefix = Prefix::new(prefix).unwrap();
        mount.access = access;
        mount
    }

    #[test]
    fn a_directory_bucket_needs_sessions_alone() {
        let bucket = "data--use1-az4--x-s3";
        let writing = mount(bucket, "2024/", Access::default());
        let all = policy([&writing].into_iter(), Some("us-east-1"));
        let arn = format!("arn:aws:s3express:us-east-1:*:bucket/{bucket}");
        let mut expected = json!({
            "Effect": "Allow", "Action": "s3express:CreateSession", "Resource": arn,
        });
        assert_eq!(all["Statement"], json!([expected]));
        let reading = mount(bucket, "", Access::ReadOnly);
        let all = policy([&reading].into_iter(), Some("us-east-1"));
        expected["Condition"] = json!({ "StringEquals": { "s3express:SessionMode": "ReadOnly" } });
        assert_eq!(all["Statement"], json!([expected]));
    }

    #[test]
    fn each_bucket_gets_what_its_volumes_need_and_no_more() {
        let mounts = [
            mount("ins", "2024/", Access::ReadOnly),
            mount("ins", "2024/05/", Access::ReadOnly),
            mount("out", "", Access::default()),
        ];
        let policy = policy(mounts.iter(), None);
        let expected = json!([
            {
                "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::ins",
                "Condition": { "StringLike": { "s3:prefix": ["2024/*"] } },
            },
            { "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::ins/2024/*"] },
            { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::out" },
            { "Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::out/*"] },
            {
                "Effect": "Allow",
                "Action": ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"],
                "Resource": ["arn:aws:s3:::out/*"],
            },
        ]);
        assert_eq!(policy["Statement"], expected);
    }

    #[test]
    fn a_volume_that_deletes_nothing_may_not() {
        let access = Access::ReadWrite {
            delete: false,
            overwrite: true,
        };
        let policy = policy([mount("b-b", "", access)].iter(), None).to_string();
        assert!(!policy.contains("DeleteObject"));
    }

    #[test]
    fn arns_are_those_of_the_partition_and_of_access_points() {
        let mut chinese = mount("logs", "", Access::ReadOnly);
        chinese.region = Some("cn-north-1".into());
        let chinese = policy([&chinese].into_iter(), None);
        assert_eq!(chinese["Statement"][0]["Resource"], "arn:aws-cn:s3:::logs");
        let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports";
        let access_point = mount(arn, "2024/", Access::ReadOnly);
        let policy = policy([&access_point].into_iter(), None);
        assert_eq!(policy["Statement"][0]["Resource"], arn);
        let objects = format!("{arn}/object/2024/*");
        assert_eq!(policy["Statement"][1]["Resource"], json!([objects]));
    }

    #[test]
    fn options_of_objects_ask_for_more() {
        let mut options = mount("b-b", "p/", Access::default());
        options.uploads.tags.insert("a".into(), "1".into());
        options.uploads.acl = Some("private".into());
        let mut encryption = Encryption::new(EncryptionAlgorithm::Kms);
        encryption.key_id = Some("1-2".into());
        options.uploads.encryption = Some(encryption);
        let all = policy([&options].into_iter(), Some("eu-west-1"));
        let expected = json!([
            {
                "Effect": "Allow",
                "Action": [
                    "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObjectTagging",
                    "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging",
                ],
                "Resource": ["arn:aws:s3:::b-b/p/*"],
            },
            {
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": ["arn:aws:kms:eu-west-1:*:key/1-2"],
            },
        ]);
        assert_eq!(
            all["Statement"].as_array().unwrap()[2..],
            expected.as_array().unwrap()[..]
        );
        options.access = Access::ReadOnly;
        let reading = policy([&options].into_iter(), Some("eu-west-1"));
        let statements = reading["Statement"].as_array().unwrap();
        assert_eq!(statements.len(), 3);
        assert_eq!(statements[2]["Action"], json!(["kms:Decrypt"]));
    }

    #[test]
    fn resources_are_of_the_partition_of_the_region() {
        let mut own = mount("own", "", Access::ReadOnly);
        own.region = Some("cn-north-1".into());
        let usual = mount("usual", "", Access::ReadOnly);
        let policy = policy([&own, &usual].into_iter(), Some("eusc-de-east-1"));
        let resources: Vec<_> = policy["Statement"].as_array().unwrap().iter().collect();
        assert_eq!(resources[0]["Resource"], "arn:aws-cn:s3:::own");
        assert_eq!(
            resources[3]["Resource"],
            json!(["arn:aws-eusc:s3:::usual/*"])
        );
    }
}
