//! Listing in the order of servers that keep keys in folders and walk through them.

use std::sync::Arc;

use super::{After, Entry, ListQuery, Listing, common_prefix};
use crate::catalog::Objects;

/// Returns the position of a key in a walk: a folder comes where its name does, before longer names.
fn position(key: &str) -> Vec<u8> {
    let byte = |byte: u8| if byte == b'/' { 0 } else { byte };
    key.bytes().map(byte).collect()
}

/// Returns whether an entry comes behind the start of a page. A name that is passed takes the folder of
/// that name along.
fn is_behind(entry: &str, after: &After) -> bool {
    match after {
        After::Key(key) => {
            position(entry) > position(key)
                && entry
                    .strip_prefix(key.as_str())
                    .is_none_or(|rest| !rest.starts_with('/'))
        }
        After::Prefix(prefix) => {
            position(entry) > position(prefix) && !entry.starts_with(prefix.as_str())
        }
    }
}

/// Returns a page of `objects` in the order of a walk.
pub(in crate::catalog) fn walk(objects: &Objects, query: &ListQuery<'_>) -> Listing {
    let mut keys: Vec<_> = objects
        .iter()
        .filter(|(key, _)| key.as_str().starts_with(query.prefix))
        .collect();
    keys.sort_by_cached_key(|(key, _)| position(key.as_str()));
    let mut listing = Listing::default();
    let mut last: Option<After> = None;
    for (key, object) in keys {
        let rolled_up = query
            .delimiter
            .and_then(|delimiter| common_prefix(key.as_str(), query.prefix, delimiter));
        let text = rolled_up.unwrap_or(key.as_str());
        let is_again = matches!(&last, Some(After::Prefix(prefix)) if rolled_up == Some(prefix));
        let is_wanted = query.after.as_ref().is_none_or(|it| is_behind(text, it));
        if is_again || !is_wanted {
            continue;
        }
        if listing.entries.len() == query.limit {
            listing.resume = last;
            return listing;
        }
        let (entry, place) = match rolled_up {
            Some(prefix) => (
                Entry::CommonPrefix(prefix.to_owned()),
                After::Prefix(prefix.to_owned()),
            ),
            None => (
                Entry::Object(key.clone(), Arc::clone(object)),
                After::Key(text.to_owned()),
            ),
        };
        listing.entries.push(entry);
        last = Some(place);
    }
    listing
}
