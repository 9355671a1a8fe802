//! Headers stored with an object.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::object::Properties;

/// Headers stored with an object. They can change while the bytes, and with them the object's
/// `ETag`, do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// `Content-Type`. Objects stored without one get the store's default.
    pub content_type: Option<String>,
    /// User metadata: lowercase names without `x-amz-meta-`, values as the server sent them. S3
    /// encodes values that are not ASCII by RFC 2047.
    pub metadata: BTreeMap<String, String>,
    /// Other properties; `None` for a new object, which gets those of the mount's settings.
    pub properties: Option<Arc<Properties>>,
}
