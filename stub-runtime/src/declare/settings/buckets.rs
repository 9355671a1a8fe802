//! Defaults of buckets, by name or pattern.

use s3fs_core::EndpointOptions;

use super::file::Bucket;
use super::located::Located;
use crate::declare::secret::Secret;
use crate::declare::volume::{CloudBucketMount, Defaults, RoleOptions};

/// Default maximum size of a cache in bytes.
const CACHE_SIZE: u64 = 10 << 30;

/// Fills in the options that a volume doesn't set: first those under its bucket's exact name, then
/// those under patterns, the longest first.
pub(super) fn apply(located: &Located, volume: CloudBucketMount) -> CloudBucketMount {
    let name = volume.bucket().to_owned();
    let buckets = &located.file.buckets;
    let exact = buckets.get(name.as_str());
    let mut patterns: Vec<_> = buckets
        .iter()
        .filter(|(pattern, _)| pattern.text() != name && matches(pattern.text(), &name))
        .collect();
    patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.text().len()));
    exact
        .into_iter()
        .chain(patterns.into_iter().map(|(_, bucket)| bucket))
        .fold(volume, |volume, bucket| {
            let mut defaults = defaults(located, bucket);
            // Its program is run, or its file is read, only if that is needed.
            if let (Some(name), false) = (&bucket.secret, volume.has_credentials()) {
                defaults.secret = Some(Secret::from_name(name));
            }
            volume.with(defaults)
        })
}

/// Returns whether a name fits a pattern.
fn matches(pattern: &str, name: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return name.is_empty();
    };
    let rest = &pattern[first.len_utf8()..];
    let mut after = name.chars();
    match (first, after.next()) {
        ('*', None) => matches(rest, name),
        ('*', Some(_)) => matches(rest, name) || matches(pattern, after.as_str()),
        (_, None) => false,
        (first, Some(next)) => (first == '?' || first == next) && matches(rest, after.as_str()),
    }
}

fn defaults(located: &Located, bucket: &Bucket) -> Defaults {
    let size = bucket.cache_size.map_or(CACHE_SIZE, |size| size.0);
    Defaults {
        endpoint_url: bucket.endpoint_url.clone(),
        region: bucket.region.clone(),
        force_path_style: bucket.force_path_style.unwrap_or_default(),
        requester_pays: bucket.requester_pays.unwrap_or_default(),
        profile: bucket.profile.clone(),
        secret: None,
        role: RoleOptions {
            arn: bucket.role_arn.clone(),
            session_name: bucket.role_session_name.clone(),
            external_id: bucket.external_id.clone(),
            oidc_arn: bucket.oidc_auth_role_arn.clone(),
        },
        endpoints: EndpointOptions {
            dual_stack: bucket.dual_stack,
            fips: bucket.fips,
            accelerate: bucket.accelerate,
        },
        prefix: bucket.prefix.clone(),
        cache: bucket
            .cache
            .as_ref()
            .map(|cache| (located.folder().join(cache), size)),
        retry_timeout: bucket.retry_timeout.map(|time| time.0),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks_stand_for_others() {
        for (pattern, name) in [
            ("*", "logs"),
            ("l*", "logs"),
            ("*s", "logs"),
            ("l*g*", "logs"),
            ("lo?s", "logs"),
            ("logs*", "logs"),
            ("*-eu-*", "a-eu-eu-b"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("l", "logs"),
            ("?", ""),
            ("*x", "logs"),
            ("log", "logs"),
            ("", "a"),
            ("logs?", "logs"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
