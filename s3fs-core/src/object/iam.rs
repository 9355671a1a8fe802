//! Names of buckets, objects and actions in IAM policies.

use super::access_point::AccessPointArn;
use super::bucket::{BucketKind, BucketName};

/// Beginnings of regions' names, with their partitions. All others are in `aws`.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("eusc-", "aws-eusc"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
];

/// Ending of the names of access points of directory buckets.
const ACCESS_POINT: &str = "--xa-s3";

/// Length of the random part of an access point's alias.
const RANDOM: usize = 34;

/// Returns the partition of a region, as in the second field of its ARNs. Servers of other vendors
/// have regions of their own, and the ARNs of `aws`.
pub fn partition(region: Option<&str>) -> &'static str {
    let region = region.unwrap_or_default();
    let mut partitions = PARTITIONS.iter();
    let found = partitions.find(|(begin, _)| region.starts_with(begin));
    found.map_or("aws", |(_, partition)| partition)
}

impl BucketName {
    /// Returns the ARN of the bucket in policies. Its region, if it is known, tells the partition.
    ///
    /// ```
    /// use s3fs_core::BucketName;
    /// let bucket = BucketName::new("logs")?;
    /// assert_eq!(bucket.arn(None), "arn:aws:s3:::logs");
    /// assert_eq!(bucket.arn(Some("cn-north-1")), "arn:aws-cn:s3:::logs");
    /// # Ok::<(), s3fs_core::BucketNameError>(())
    /// ```
    pub fn arn(&self, region: Option<&str>) -> String {
        let partition = partition(region);
        let name = self.as_str();
        match self.kind() {
            BucketKind::AccessPoint | BucketKind::OutpostsAccessPoint | BucketKind::MultiRegion => {
                AccessPointArn::parse(name)
                    .map_or(name, |arn| arn.text)
                    .to_owned()
            }
            // Policies take no aliases.
            BucketKind::Alias => {
                format!("arn:{partition}:s3:*:*:accesspoint/{}", named(name))
            }
            BucketKind::OutpostsAlias => {
                format!("arn:{partition}:s3-outposts:*:*:outpost/*/accesspoint/*")
            }
            BucketKind::General => format!("arn:{partition}:s3:::{name}"),
            BucketKind::Directory => {
                let region = region.unwrap_or("*");
                let kind = if name.ends_with(ACCESS_POINT) {
                    "accesspoint"
                } else {
                    "bucket"
                };
                format!("arn:{partition}:s3express:{region}:*:{kind}/{name}")
            }
        }
    }

    /// Returns the ARN of objects in policies, by a pattern of their keys.
    ///
    /// ```
    /// use s3fs_core::BucketName;
    /// let bucket = BucketName::new("logs")?;
    /// assert_eq!(bucket.objects_arn(None, "2024/*"), "arn:aws:s3:::logs/2024/*");
    /// # Ok::<(), s3fs_core::BucketNameError>(())
    /// ```
    pub fn objects_arn(&self, region: Option<&str>, pattern: &str) -> String {
        let bucket = self.arn(region);
        match self.kind() {
            BucketKind::General | BucketKind::Directory => format!("{bucket}/{pattern}"),
            BucketKind::Alias
            | BucketKind::AccessPoint
            | BucketKind::OutpostsAlias
            | BucketKind::OutpostsAccessPoint
            | BucketKind::MultiRegion => format!("{bucket}/object/{pattern}"),
        }
    }

    /// Returns the name in policies of an action such as `s3:GetObject`.
    pub fn action(&self, action: &str) -> String {
        match self.kind() {
            BucketKind::OutpostsAlias | BucketKind::OutpostsAccessPoint => {
                action.replacen("s3:", "s3-outposts:", 1)
            }
            // Sessions allow all else.
            BucketKind::Directory => "s3express:CreateSession".to_owned(),
            _ => action.to_owned(),
        }
    }
}

/// Returns the name of the access point that has an alias.
fn named(alias: &str) -> &str {
    let name = alias.strip_suffix("-s3alias").unwrap_or(alias);
    let end = name.len().checked_sub(RANDOM + 1);
    let found = end.filter(|end| name.is_char_boundary(*end) && name[*end..].starts_with('-'));
    found.map_or("*", |end| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arns(name: &str, region: Option<&str>) -> [String; 3] {
        let bucket = BucketName::new(name).unwrap();
        [
            bucket.arn(region),
            bucket.objects_arn(region, "p/*"),
            bucket.action("s3:GetObject"),
        ]
    }

    #[test]
    fn arns_have_the_partition_of_the_region() {
        for (region, partition) in [
            (None, "aws"),
            (Some("eu-west-1"), "aws"),
            (Some("cn-north-1"), "aws-cn"),
            (Some("us-gov-west-1"), "aws-us-gov"),
            (Some("eusc-de-east-1"), "aws-eusc"),
            (Some("us-isob-east-1"), "aws-iso-b"),
        ] {
            let [bucket, objects, _] = arns("logs", region);
            assert_eq!(bucket, format!("arn:{partition}:s3:::logs"));
            assert_eq!(objects, format!("arn:{partition}:s3:::logs/p/*"));
        }
    }

    #[test]
    fn access_points_have_their_own_form() {
        let arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports";
        let [bucket, objects, action] = arns(arn, None);
        assert_eq!((&*bucket, &*action), (arn, "s3:GetObject"));
        assert_eq!(objects, format!("{arn}/object/p/*"));
        let alias = "reports-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias";
        assert_eq!(arns(alias, None)[0], "arn:aws:s3:*:*:accesspoint/reports");
        assert_eq!(arns("odd-s3alias", None)[0], "arn:aws:s3:*:*:accesspoint/*");
        let [bucket, _, action] = arns("data--use1-az4--x-s3", Some("us-east-1"));
        let expected = "arn:aws:s3express:us-east-1:*:bucket/data--use1-az4--x-s3";
        assert_eq!((&*bucket, &*action), (expected, "s3express:CreateSession"));
        let outpost = "arn:aws:s3-outposts:us-west-2:1:outpost/op-01/accesspoint/a";
        let [bucket, _, action] = arns(outpost, None);
        assert_eq!((&*bucket, &*action), (outpost, "s3-outposts:GetObject"));
    }
}
