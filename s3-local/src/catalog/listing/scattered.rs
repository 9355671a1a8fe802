//! Listing of a directory bucket, in no order that a client can tell.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::{After, Entry, ListQuery, Listing, common_prefix};
use crate::catalog::{Objects, Upload};

/// Returns the position of a key or common prefix: a hash, so that neighbours in the order of bytes lie
/// far apart.
pub(crate) fn position(text: &str) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    // The last bytes of FNV hardly change its upper bits.
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Returns a page of a bucket. With a delimiter, uploads in progress have common prefixes, too.
pub(in crate::catalog) fn scattered(
    objects: &Objects,
    uploads: &BTreeMap<String, Upload>,
    query: &ListQuery<'_>,
) -> Listing {
    let mut entries = BTreeMap::new();
    let mut add = |entry: Entry| {
        let text = match &entry {
            Entry::Object(key, _) => key.as_str(),
            Entry::CommonPrefix(prefix) => prefix,
        };
        entries.insert((position(text), text.to_owned()), entry);
    };
    let rolled_up = |key: &str| {
        let found = common_prefix(key, query.prefix, query.delimiter?)?;
        Some(Entry::CommonPrefix(found.to_owned()))
    };
    let from = Bound::Included(query.prefix.as_bytes());
    let listed = objects.range::<[u8], _>((from, Bound::Unbounded));
    let listed = listed.take_while(|(key, _)| key.as_str().starts_with(query.prefix));
    for (key, object) in listed {
        let object = || Entry::Object(key.clone(), Arc::clone(object));
        add(rolled_up(key.as_str()).unwrap_or_else(object));
    }
    let uploads = uploads.values();
    uploads
        .filter_map(|upload| rolled_up(upload.key.as_str()))
        .for_each(add);
    page(entries, query)
}

fn page(entries: BTreeMap<(u64, String), Entry>, query: &ListQuery<'_>) -> Listing {
    let mut listing = Listing::default();
    let after = query.after.as_ref().map(After::text);
    let after = after.map(|text| (position(text), text.to_owned()));
    let behind = entries
        .into_iter()
        .filter(|(place, _)| after.as_ref().is_none_or(|after| place > after));
    let mut last = None;
    for ((_, text), entry) in behind {
        if listing.entries.len() == query.limit {
            listing.resume = last;
            break;
        }
        last = Some(match &entry {
            Entry::Object(..) => After::Key(text),
            Entry::CommonPrefix(_) => After::Prefix(text),
        });
        listing.entries.push(entry);
    }
    listing
}
