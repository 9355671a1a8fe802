//! Properties in responses to HEAD and GET.

use std::sync::{Arc, Mutex, PoisonError};

use crate::object::{Encryption, EncryptionAlgorithm, Properties, Tags};

/// Properties seen last: most objects of a bucket have the same ones, and share them.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<Arc<Properties>>);

impl Latest {
    /// Returns the properties, shared with those before if they are equal.
    pub(super) fn share(&self, properties: Properties) -> Arc<Properties> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if **latest != properties {
            *latest = Arc::new(properties);
        }
        Arc::clone(&latest)
    }
}

/// Collects the properties from the output of HEAD or GET.
macro_rules! properties {
    ($answer:expr) => {
        $crate::object::Properties {
            cache_control: $answer.cache_control.take(),
            content_disposition: $answer.content_disposition.take(),
            content_encoding: $answer
                .content_encoding
                .take()
                .and_then($crate::store::s3::properties::stored_encoding),
            content_language: $answer.content_language.take(),
            expires: $answer.expires_string.take(),
            website_redirect: $answer.website_redirect_location.take(),
            storage_class: $answer
                .storage_class
                .take()
                .map(|class| class.as_str().to_owned())
                .filter(|class| class != "STANDARD"),
            encryption: $crate::store::s3::properties::encryption(
                $answer
                    .server_side_encryption
                    .take()
                    .as_ref()
                    .map(|it| it.as_str()),
                $answer.ssekms_key_id.take(),
                $answer.bucket_key_enabled,
            ),
            tags: $crate::store::s3::properties::counted($answer.tag_count),
        }
    };
}
pub(super) use properties;

/// Returns the encryption that headers name.
pub(super) fn encryption(
    algorithm: Option<&str>,
    key_id: Option<String>,
    bucket_key: Option<bool>,
) -> Option<Encryption> {
    Some(Encryption {
        algorithm: EncryptionAlgorithm::from_header(algorithm)?,
        key_id,
        bucket_key,
    })
}

/// Returns the content encoding without that of the transfer, which some servers store.
pub(super) fn stored_encoding(header: String) -> Option<String> {
    if !header.contains("aws-chunked") {
        return Some(header).filter(|header| !header.is_empty());
    }
    let names = header.split(',').map(str::trim);
    let names: Vec<_> = names.filter(|name| *name != "aws-chunked").collect();
    (!names.is_empty()).then(|| names.join(","))
}

/// Returns the tags that `x-amz-tagging-count` tells of.
pub(super) fn counted(count: Option<i32>) -> Tags {
    match count.and_then(|count| u32::try_from(count).ok()) {
        None | Some(0) => Tags::Unshown,
        Some(count) => Tags::Counted(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_of_the_transfer_is_not_stored() {
        let stored = |header: &str| stored_encoding(header.to_owned());
        assert_eq!(stored("gzip").as_deref(), Some("gzip"));
        assert_eq!(stored("gzip, aws-chunked").as_deref(), Some("gzip"));
        assert_eq!((stored("aws-chunked"), stored("")), (None, None));
    }

    #[test]
    fn equal_properties_are_shared() {
        let latest = Latest::default();
        let class = |class: &str| Properties {
            storage_class: Some(class.to_owned()),
            ..Properties::default()
        };
        let first = latest.share(class("GLACIER_IR"));
        assert!(Arc::ptr_eq(&first, &latest.share(class("GLACIER_IR"))));
        assert_eq!(latest.share(class("X")).storage_class.as_deref(), Some("X"));
    }
}
