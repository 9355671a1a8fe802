//! ARNs of access points, as names of buckets.

/// ARN of an access point, in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccessPointArn<'a> {
    pub(super) kind: AccessPointKind,
    /// Region; `None` for multi-region access points.
    pub(super) region: Option<&'a str>,
    /// ARN without a key.
    pub(super) text: &'a str,
    /// Text after the name: the beginning of keys.
    pub(super) prefix: &'a str,
}

/// Kind of an access point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccessPointKind {
    Regional,
    Outposts,
    MultiRegion,
}

/// Reason for which an ARN names no bucket that can be mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotAnAccessPoint {
    /// ARN of a bucket itself.
    Bucket,
    ObjectLambda,
    Directory,
    Other,
}

impl<'a> AccessPointArn<'a> {
    /// Parses an ARN, which may have a prefix of keys at its end.
    pub(super) fn parse(text: &'a str) -> Result<Self, NotAnAccessPoint> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", _, service, region, account, resource] = *parts else {
            return Err(NotAnAccessPoint::Other);
        };
        if service == "s3" && region.is_empty() && account.is_empty() {
            return Err(NotAnAccessPoint::Bucket);
        }
        // Number of words of the name, such as `accesspoint/name`, and their first one.
        let (words, first) = match service {
            "s3" => (2, "accesspoint"),
            "s3-outposts" => (4, "outpost"),
            "s3-object-lambda" => return Err(NotAnAccessPoint::ObjectLambda),
            "s3express" => return Err(NotAnAccessPoint::Directory),
            _ => return Err(NotAnAccessPoint::Other),
        };
        let length = length_of_words(resource, words).ok_or(NotAnAccessPoint::Other)?;
        let (name, prefix) = resource.split_at(length);
        let mut split = name.split([':', '/']);
        let is_named = split.next() == Some(first)
            && split.all(|word| !word.is_empty())
            && (words < 4 || name.split([':', '/']).nth(2) == Some("accesspoint"));
        let is_multi_region = service == "s3" && region.is_empty();
        let has_place = !account.is_empty() && (is_multi_region || !region.is_empty());
        let is_alias = name.strip_suffix(".mrap").is_some();
        if !is_named || !has_place || is_multi_region != is_alias {
            return Err(NotAnAccessPoint::Other);
        }
        Ok(Self {
            kind: match service {
                "s3" if is_multi_region => AccessPointKind::MultiRegion,
                "s3" => AccessPointKind::Regional,
                _ => AccessPointKind::Outposts,
            },
            region: (!region.is_empty()).then_some(region),
            text: &text[..text.len() - prefix.len()],
            prefix: prefix.trim_start_matches('/'),
        })
    }
}

/// Returns the length of the first words, which `:` or `/` separate.
fn length_of_words(text: &str, words: usize) -> Option<usize> {
    let mut ends = text.match_indices([':', '/']).map(|(at, _)| at);
    match ends.nth(words - 1) {
        Some(end) => Some(end),
        None => (text.split([':', '/']).count() == words).then_some(text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_access_points_are_split_from_keys() {
        use AccessPointKind as K;
        for (arn, kind, region) in [
            (
                "arn:aws:s3:eu-west-1:123456789012:accesspoint/name",
                K::Regional,
                Some("eu-west-1"),
            ),
            (
                "arn:aws-cn:s3:cn-north-1:1:accesspoint:name",
                K::Regional,
                Some("cn-north-1"),
            ),
            (
                "arn:aws:s3::123456789012:accesspoint/alias.mrap",
                K::MultiRegion,
                None,
            ),
            (
                "arn:aws:s3-outposts:us-west-2:1:outpost/op-01/accesspoint/name",
                K::Outposts,
                Some("us-west-2"),
            ),
            (
                "arn:aws:s3-outposts:us-west-2:1:outpost:op-01:accesspoint:name",
                K::Outposts,
                Some("us-west-2"),
            ),
        ] {
            for prefix in ["", "/", "/a", "/a/b/"] {
                let whole = format!("{arn}{prefix}");
                let parsed = AccessPointArn::parse(&whole).unwrap();
                assert_eq!((parsed.kind, parsed.region), (kind, region), "{whole}");
                assert_eq!(parsed.text, arn);
                assert_eq!(parsed.prefix, prefix.trim_start_matches('/'));
            }
        }
    }

    #[test]
    fn other_arns_are_told_apart() {
        use NotAnAccessPoint as N;
        for (arn, reason) in [
            ("arn:aws:s3:::bucket/key", N::Bucket),
            (
                "arn:aws:s3-object-lambda:eu-west-1:1:accesspoint/a",
                N::ObjectLambda,
            ),
            (
                "arn:aws:s3express:us-east-1:1:bucket/b--use1-az4--x-s3",
                N::Directory,
            ),
            ("arn:aws:iam::1:role/a", N::Other),
            ("arn:aws:s3:eu-west-1:1:accesspoint/", N::Other),
            ("arn:aws:s3:eu-west-1::accesspoint/a", N::Other),
            ("arn:aws:s3::1:accesspoint/a", N::Other),
            ("arn:aws:s3-outposts:us-west-2:1:outpost/op-01", N::Other),
            (
                "arn:aws:s3-outposts:us-west-2:1:outpost/op-01/bucket/b",
                N::Other,
            ),
            ("arn", N::Other),
        ] {
            assert_eq!(AccessPointArn::parse(arn), Err(reason), "{arn}");
        }
    }
}
