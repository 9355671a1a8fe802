//! Listing of pages, with a check of their order.

use crate::store::{Capabilities, Capability, ListFrom, ListPage, ListRequest, Store, StoreError};

/// Requests a page of keys. Records what it proves about the order in which the store lists. Empty pages
/// are passed over while others follow.
///
/// # Errors
/// Fails if the request fails.
pub async fn list_page(
    store: &dyn Store,
    request: ListRequest<'_>,
) -> Result<ListPage, StoreError> {
    let mut page = store.list(request).await?;
    while page.first().is_none()
        && let Some(next) = &page.next
    {
        let from = ListFrom::Continuation(next);
        page = store.list(ListRequest { from, ..request }).await?;
    }
    if !page.is_ordered() {
        store.capabilities().lacks(Capability::OrderedListing);
    }
    if let ListFrom::After(after) = request.from
        && page.first().is_some_and(|first| first <= after)
    {
        store.capabilities().lacks(Capability::StartAfter);
    }
    Ok(page)
}

/// Returns the end of a folded page: all keys between two of its keys before that are on the page.
pub fn end_of<'a>(page: &'a ListPage, capabilities: &Capabilities) -> Option<&'a str> {
    if !capabilities.has(Capability::SomeOrder) {
        None
    } else if capabilities.is_order_proven() {
        page.last()
    } else {
        safe_end(page)
    }
}

/// Returns an end that holds for both orders: by bytes, and in the order of a walk through folders.
fn safe_end(page: &ListPage) -> Option<&str> {
    let object = page.objects.last().map(|object| object.key.as_str());
    // A walk meets a folder where its name is.
    let folder = page
        .prefixes
        .last()
        .map(|prefix| prefix.trim_end_matches('/'));
    let in_walk = object.max(folder)?;
    Some(page.last()?.min(in_walk))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::object::{ETag, ObjectMeta};
    use crate::store::ListedObject;

    fn page(objects: &[&str], prefixes: &[&str]) -> ListPage {
        let object = |key: &&str| ListedObject {
            key: (*key).to_owned(),
            meta: ObjectMeta {
                size: 1,
                modified: SystemTime::UNIX_EPOCH,
                etag: ETag::new("e"),
            },
        };
        ListPage {
            objects: objects.iter().map(object).collect(),
            prefixes: prefixes.iter().map(|it| (*it).to_owned()).collect(),
            next: None,
        }
    }

    #[test]
    fn a_page_ends_where_it_does_in_either_order() {
        assert_eq!(safe_end(&page(&["a", "sub-2"], &["sub/"])), Some("sub-2"));
        assert_eq!(safe_end(&page(&["a"], &["sub/"])), Some("sub"));
        assert_eq!(safe_end(&page(&["a", "z"], &["sub/"])), Some("z"));
        assert_eq!(safe_end(&page(&["a", "b"], &[])), Some("b"));
        assert_eq!(safe_end(&page(&[], &[])), None);
    }

    #[test]
    fn a_page_without_an_order_has_no_end() {
        let page = page(&["a", "b"], &[]);
        assert_eq!(end_of(&page, &Capabilities::of_directory_bucket()), None);
        let amazon = Capabilities::of(crate::store::Vendor::Amazon);
        assert_eq!(end_of(&page, &amazon), Some("b"));
    }
}
