//! Directory buckets (S3 Express One Zone): what they can't have, and the region of their zone.

use crate::config::{Credentials, MountConfig};
use crate::object::{BucketKind, BucketName, Encryption, EncryptionAlgorithm};

/// Storage class of all objects of a directory bucket in an availability zone.
const CLASSES: [&str; 2] = ["EXPRESS_ONEZONE", "ONEZONE_IA"];

/// Setting of a mount that directory buckets don't have: the reason and the remedy.
pub(super) type Conflict = (&'static str, &'static str);

/// Returns the first setting of a mount that its directory bucket can't have. All other buckets have
/// none.
pub(super) fn conflict(config: &MountConfig) -> Option<Conflict> {
    if config.bucket.kind() != BucketKind::Directory {
        return None;
    }
    let uploads = &config.uploads;
    let class = uploads.storage_class.as_deref();
    let is_dual = |it: &Encryption| it.algorithm == EncryptionAlgorithm::KmsDsse;
    let conflicts = [
        (
            !uploads.tags.is_empty(),
            (
                "objects of directory buckets have no tags",
                "leave out the tags",
            ),
        ),
        (
            class.is_some_and(|class| !CLASSES.contains(&class)),
            (
                "all objects of a directory bucket have the storage class EXPRESS_ONEZONE",
                "leave out the storage class",
            ),
        ),
        (
            uploads.acl.is_some(),
            (
                "objects of directory buckets have no ACL",
                "leave out the ACL",
            ),
        ),
        (
            uploads.encryption.as_ref().is_some_and(is_dual),
            (
                "directory buckets have no dual-layer encryption (aws:kms:dsse)",
                "write `aws:kms` or `AES256`, or leave out the encryption",
            ),
        ),
        (
            config.requester_pays,
            (
                "requesters don't pay for directory buckets",
                "leave out that the requester pays",
            ),
        ),
        (
            matches!(config.credentials, Credentials::Anonymous),
            (
                "directory buckets are never public",
                "give credentials that may create sessions (`s3express:CreateSession`)",
            ),
        ),
    ];
    let found = conflicts.into_iter().find(|(is_set, _)| *is_set);
    found.map(|(_, conflict)| conflict)
}

/// Parts of the names of regions, by their short forms in the IDs of zones.
const AREAS: [(&str, &str); 12] = [
    ("usg", "us-gov"),
    ("us", "us"),
    ("eu", "eu"),
    ("ap", "ap"),
    ("ca", "ca"),
    ("sa", "sa"),
    ("af", "af"),
    ("me", "me"),
    ("il", "il"),
    ("mx", "mx"),
    ("cn", "cn"),
    ("usi", "us-iso"),
];

/// Directions in the names of regions, by their short forms, the longest first.
const DIRECTIONS: [(&str, &str); 9] = [
    ("ne", "northeast"),
    ("se", "southeast"),
    ("nw", "northwest"),
    ("sw", "southwest"),
    ("n", "north"),
    ("s", "south"),
    ("e", "east"),
    ("w", "west"),
    ("c", "central"),
];

/// Returns the region of the zone in the name of a directory bucket: `data--usw2-az1--x-s3` is in
/// `us-west-2`. Only its own region has an endpoint for it, so none can be asked for it.
pub(super) fn region_of_zone(bucket: &BucketName) -> Option<String> {
    if bucket.kind() != BucketKind::Directory {
        return None;
    }
    let mut fields = bucket.as_str().rsplit("--");
    let _ending = fields.next()?;
    let zone = fields.next()?.split('-').next()?;
    let mut areas = AREAS.iter();
    areas.find_map(|(short, area)| {
        let rest = zone.strip_prefix(short)?;
        let (direction, number) = DIRECTIONS
            .iter()
            .find_map(|(short, name)| Some((name, rest.strip_prefix(short)?)))?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| format!("{area}-{direction}-{number}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(bucket: &str) -> MountConfig {
        MountConfig::new(BucketName::new(bucket).unwrap())
    }

    #[test]
    fn a_zone_tells_its_region() {
        for (zone, region) in [
            ("use1-az4", Some("us-east-1")),
            ("usw2-az1", Some("us-west-2")),
            ("apne1-az1", Some("ap-northeast-1")),
            ("aps1-az3", Some("ap-south-1")),
            ("eun1-az1", Some("eu-north-1")),
            ("cac1-az1", Some("ca-central-1")),
            ("usgw1-az2", Some("us-gov-west-1")),
            ("use1-dfw2-az1", Some("us-east-1")),
            ("zone", None),
        ] {
            let bucket = BucketName::new(format!("data--{zone}--x-s3")).unwrap();
            assert_eq!(region_of_zone(&bucket).as_deref(), region, "{zone}");
        }
        assert_eq!(region_of_zone(&BucketName::new("use1-az4").unwrap()), None);
    }

    #[test]
    fn settings_that_a_directory_bucket_has_not_are_named() {
        let change: [fn(&mut MountConfig); 4] = [
            |config| drop(config.uploads.tags.insert("a".into(), "b".into())),
            |config| config.uploads.storage_class = Some("STANDARD_IA".into()),
            |config| config.uploads.acl = Some("private".into()),
            |config| config.credentials = Credentials::Anonymous,
        ];
        for (change, word) in change.into_iter().zip(["tags", "class", "ACL", "public"]) {
            let mut directory = config("data--use1-az4--x-s3");
            assert_eq!(conflict(&directory), None);
            change(&mut directory);
            let (reason, _) = conflict(&directory).unwrap();
            assert!(reason.contains(word), "{reason}");
            let mut general = config("data");
            change(&mut general);
            assert_eq!(conflict(&general), None);
        }
    }
}
