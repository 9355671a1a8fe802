//! Listing of a bucket: keys and common prefixes of a page, and the start of the next one.

mod scattered;
mod walk;

pub(super) use scattered::scattered;
pub(super) use walk::walk;

use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Key, Object, Objects};

/// Position behind which a listing begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Key(String),
    /// Common prefix; all of its keys have been listed.
    Prefix(String),
}

impl After {
    /// Parses `start-after` and `marker`. A value that is itself a common prefix of the listing stands
    /// for all of its keys, since `ListObjects` returns such values as markers.
    pub(crate) fn from_marker(marker: &str, prefix: &str, delimiter: Option<&str>) -> After {
        let rolled_up = delimiter.and_then(|delimiter| common_prefix(marker, prefix, delimiter));
        if rolled_up == Some(marker) {
            After::Prefix(marker.to_owned())
        } else {
            After::Key(marker.to_owned())
        }
    }

    pub(crate) fn from_token(token: &str) -> Option<After> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        match text.split_at_checked(1)? {
            ("k", key) => Some(After::Key(key.to_owned())),
            ("p", prefix) => Some(After::Prefix(prefix.to_owned())),
            _ => None,
        }
    }

    pub(crate) fn to_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(match self {
            After::Key(key) => format!("k{key}"),
            After::Prefix(prefix) => format!("p{prefix}"),
        })
    }

    fn text(&self) -> &str {
        match self {
            After::Key(text) | After::Prefix(text) => text,
        }
    }

    /// Returns the last key or common prefix of a page.
    pub(crate) fn into_marker(self) -> String {
        match self {
            After::Key(text) | After::Prefix(text) => text,
        }
    }
}

/// Order in which keys are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Order of the keys' bytes.
    Bytes,
    /// Order in which a walk through folders visits keys.
    Tree,
}

/// Request for a page.
#[derive(Clone, Debug)]
pub(crate) struct ListQuery<'a> {
    pub(crate) prefix: &'a str,
    /// Delimiter, not empty.
    pub(crate) delimiter: Option<&'a str>,
    pub(crate) after: Option<After>,
    /// Maximum number of keys and common prefixes together.
    pub(crate) limit: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Object(Key, Arc<Object>),
    CommonPrefix(String),
}

/// Page of a listing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    /// Start of the next page, if there is one.
    pub(crate) resume: Option<After>,
}

/// Returns the part of `key` up to the first delimiter behind `prefix`, including the delimiter.
fn common_prefix<'k>(key: &'k str, prefix: &str, delimiter: &str) -> Option<&'k str> {
    let rest = key.strip_prefix(prefix)?;
    let end = prefix.len() + rest.find(delimiter)? + delimiter.len();
    key.get(..end)
}

/// Returns the smallest byte string that follows everything beginning with `prefix`.
fn successor(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    // UTF-8 has no byte 0xFF, so this can't overflow.
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    bytes
}

fn lower_bound(query: &ListQuery<'_>) -> Bound<Vec<u8>> {
    let prefix = query.prefix.as_bytes();
    match &query.after {
        Some(After::Key(key)) if key.as_bytes() >= prefix => Bound::Excluded(key.clone().into()),
        Some(After::Prefix(rolled_up)) if rolled_up.as_bytes() >= prefix => {
            Bound::Included(successor(rolled_up))
        }
        _ => Bound::Included(prefix.to_vec()),
    }
}

/// Lists one page of `objects` in byte order. Each group of keys with a common prefix is skipped in one
/// step.
pub(crate) fn list(objects: &Objects, query: &ListQuery<'_>) -> Listing {
    let mut listing = Listing::default();
    if query.limit == 0 {
        return listing;
    }
    let mut last = None;
    let mut start = lower_bound(query);
    'group: loop {
        let from = start.as_ref().map(Vec::as_slice);
        for (key, object) in objects.range::<[u8], _>((from, Bound::Unbounded)) {
            if !key.as_str().starts_with(query.prefix) {
                break;
            }
            if listing.entries.len() == query.limit {
                listing.resume = last;
                break;
            }
            let rolled_up = query
                .delimiter
                .and_then(|delimiter| common_prefix(key.as_str(), query.prefix, delimiter));
            if let Some(rolled_up) = rolled_up {
                listing
                    .entries
                    .push(Entry::CommonPrefix(rolled_up.to_owned()));
                last = Some(After::Prefix(rolled_up.to_owned()));
                start = Bound::Included(successor(rolled_up));
                continue 'group;
            }
            listing
                .entries
                .push(Entry::Object(key.clone(), Arc::clone(object)));
            last = Some(After::Key(key.as_str().to_owned()));
        }
        return listing;
    }
}

#[cfg(test)]
mod tests;
