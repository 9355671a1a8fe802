//! Listings in the order in which a walk through folders meets keys, as on some servers.

use super::state::MemoryState;
use crate::store::{ListFrom, ListPage, ListRequest, ListedObject};

/// Returns the sort key of a key: a folder sorts as its name does, before longer names.
fn position(key: &str) -> Vec<u8> {
    let byte = |byte: u8| if byte == b'/' { 0 } else { byte };
    key.bytes().map(byte).collect()
}

/// Returns whether a key is refused, because a name would be both a file and a folder.
pub(super) fn is_refused(state: &MemoryState, key: &str) -> bool {
    let is_above = |above: &str, below: &str| {
        let rest = below.strip_prefix(above);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let mut keys = state.objects.keys();
    keys.any(|there| is_above(key, there) || is_above(there, key))
}

/// Returns one page of at most `room` entries. A page that starts after a name skips the folder of
/// that name.
pub(super) fn page(state: &MemoryState, request: &ListRequest<'_>, room: usize) -> ListPage {
    let is_behind = |entry: &str| match request.from {
        ListFrom::Beginning => true,
        ListFrom::Continuation(token) => position(entry) > position(token),
        ListFrom::After(name) => {
            let below = entry.strip_prefix(name);
            position(entry) > position(name) && below.is_none_or(|below| !below.starts_with('/'))
        }
    };
    let mut keys: Vec<&String> = state.objects.keys().collect();
    keys.retain(|key| key.starts_with(request.prefix));
    keys.sort_by_cached_key(|key| position(key));
    let mut page = ListPage::default();
    let mut last: Option<&str> = None;
    for key in keys {
        let below = &key[request.prefix.len()..];
        let folder = below.find('/').filter(|_| request.folded);
        let text = folder.map_or(key.as_str(), |end| &key[..=request.prefix.len() + end]);
        if last == Some(text) || !is_behind(text) {
            continue;
        }
        if page.objects.len() + page.prefixes.len() == room {
            // A position after every key below a folder.
            let is_folder = page.prefixes.last().map(String::as_str) == last;
            let behind = if is_folder { "\u{10ffff}" } else { "" };
            page.next = last.map(|last| format!("{last}{behind}"));
            return page;
        }
        if folder.is_some() {
            page.prefixes.push(text.to_owned());
        } else {
            page.objects.push(ListedObject {
                key: key.clone(),
                meta: state.objects[key].meta.clone(),
            });
        }
        last = Some(text);
    }
    page
}
