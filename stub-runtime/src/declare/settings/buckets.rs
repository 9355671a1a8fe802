//! Defaults of buckets, by name or pattern.

use std::sync::Arc;

use super::located::Located;
use crate::declare::secret::Secret;
use crate::declare::volume::CloudBucketMount;

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
            let mut defaults = bucket.options(located.folder());
            // Its program is run, or its file is read, only if that is needed.
            if let (Some(name), false) = (&bucket.secret, volume.has_credentials()) {
                defaults.secret = Some(Arc::new(Secret::from_name(name)));
            }
            volume.with_defaults(defaults)
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
