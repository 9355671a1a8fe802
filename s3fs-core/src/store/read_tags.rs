//! Tags of an object that is about to be stored again by a request that does not copy them.

use std::sync::Arc;

use crate::object::{Headers, Key, Properties};
use crate::store::{Store, StoreError};

/// Returns the properties of an object with its tags.
///
/// # Errors
/// The object has tags, and they can't be read: a new version would lose them.
pub async fn properties_with_tags(
    store: &dyn Store,
    key: &Key,
    properties: &Properties,
) -> Result<Arc<Properties>, StoreError> {
    let tags = store.tags(key, &properties.tags).await?;
    Ok(Arc::new(Properties {
        tags,
        ..properties.clone()
    }))
}

/// Returns the headers of an object with its tags. A new object of the mount has those of the
/// settings, so that none are read.
///
/// # Errors
/// The object has tags, and they can't be read: a new version would lose them.
pub async fn headers_with_tags(
    store: &dyn Store,
    key: &Key,
    headers: Headers,
) -> Result<Headers, StoreError> {
    let Some(properties) = headers.properties.as_deref() else {
        return Ok(headers);
    };
    Ok(Headers {
        properties: Some(properties_with_tags(store, key, properties).await?),
        ..headers
    })
}
