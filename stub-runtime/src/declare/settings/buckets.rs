//! Defaults of buckets, by name or pattern.

use glob::Pattern;

use super::file::Bucket;
use super::located::Located;
use crate::declare::secret::Secret;
use crate::declare::volume::{CloudBucketMount, Defaults};

/// Default maximum size of a cache in bytes.
const CACHE_SIZE: u64 = 10 << 30;

/// Fills in the options that a volume doesn't set: first those under its bucket's exact name, then
/// those under patterns, the longest first.
pub(super) fn apply(located: &Located, volume: CloudBucketMount) -> CloudBucketMount {
    let name = volume.bucket().to_owned();
    let buckets = &located.file.buckets;
    let exact = buckets.get(&name);
    let mut patterns: Vec<_> = buckets
        .iter()
        .filter(|(pattern, _)| **pattern != name && matches(pattern, &name))
        .collect();
    patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
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

fn matches(pattern: &str, name: &str) -> bool {
    Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name))
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
        prefix: bucket.prefix.clone(),
        cache: bucket
            .cache
            .as_ref()
            .map(|cache| (located.folder().join(cache), size)),
        retry_timeout: bucket.retry_timeout.map(|time| time.0),
    }
}
