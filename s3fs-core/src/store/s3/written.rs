//! Headers of requests that write an object, from its own properties and the mount's settings.

use std::collections::HashMap;

use aws_sdk_s3::types::{ObjectCannedAcl, ServerSideEncryption, StorageClass};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::tagging::naming;
use crate::config::UploadSettings;
use crate::object::{Encryption, Headers, Properties, TagMap, Tags};
use crate::store::StoreError;

/// Headers of a request that writes an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Written {
    pub(super) content_type: Option<String>,
    pub(super) metadata: Option<HashMap<String, String>>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    pub(super) expires: Option<String>,
    pub(super) website_redirect: Option<String>,
    pub(super) storage_class: Option<StorageClass>,
    pub(super) encryption: Option<ServerSideEncryption>,
    pub(super) kms_key: Option<String>,
    pub(super) bucket_key: Option<bool>,
    pub(super) acl: Option<ObjectCannedAcl>,
    pub(super) tags: Option<TagMap>,
    /// True if the storage class is one that the server has shown of the object.
    pub(super) has_shown_class: bool,
    /// True if the encryption is one that the server has shown of the object.
    pub(super) has_shown_encryption: bool,
}

impl Written {
    /// Returns the headers of an object that is written with `headers`. An object without
    /// properties of its own is new, and has those of the settings.
    pub(super) fn new(settings: &UploadSettings, headers: &Headers) -> Self {
        let properties = headers.properties.as_deref();
        let kept = properties.cloned().unwrap_or_default();
        let tags = match (properties, &kept.tags) {
            (None, _) => Some(&settings.tags),
            (_, Tags::Read(tags)) => Some(tags),
            (_, Tags::Unshown | Tags::Counted(_)) => None,
        };
        Self {
            content_type: headers.content_type.clone(),
            metadata: metadata(headers),
            cache_control: kept.cache_control,
            content_disposition: kept.content_disposition,
            content_encoding: kept.content_encoding,
            content_language: kept.content_language,
            expires: kept.expires,
            tags: tags.filter(|tags| !tags.is_empty()).cloned(),
            ..Self::of_copy(settings, properties)
        }
    }

    /// Returns the headers of a copy that keeps the headers and tags of its source, which has these
    /// properties. `None` is an object of the mount, with those of its settings.
    pub(super) fn of_copy(settings: &UploadSettings, properties: Option<&Properties>) -> Self {
        let storage_class = match properties {
            None => settings.storage_class.as_deref(),
            Some(kept) => kept.storage_class.as_deref(),
        };
        // Policies of buckets demand the encryption that the settings name.
        let kept = properties.and_then(|kept| kept.encryption.as_ref());
        let encryption = settings.encryption.as_ref().or(kept);
        let algorithm = encryption.map(|it| ServerSideEncryption::from(it.algorithm.as_str()));
        Self {
            website_redirect: properties.and_then(|kept| kept.website_redirect.clone()),
            storage_class: storage_class.map(StorageClass::from),
            encryption: algorithm,
            kms_key: encryption.and_then(|it: &Encryption| it.key_id.clone()),
            bucket_key: encryption.and_then(|it| it.bucket_key),
            acl: settings.acl.as_deref().map(ObjectCannedAcl::from),
            has_shown_class: properties.is_some() && storage_class.is_some(),
            has_shown_encryption: settings.encryption.is_none() && kept.is_some(),
            ..Self::default()
        }
    }

    /// Returns the storage class and encryption that the server itself has shown of the object.
    pub(super) fn shown(&self) -> impl Iterator<Item = &str> {
        let class = self.storage_class.as_ref().filter(|_| self.has_shown_class);
        let encryption = self.encryption.as_ref();
        let encryption = encryption.filter(|_| self.has_shown_encryption);
        let class = class.map(StorageClass::as_str);
        class
            .into_iter()
            .chain(encryption.map(ServerSideEncryption::as_str))
    }

    /// Returns the headers without those.
    pub(super) fn without_shown(&self) -> Self {
        let mut written = self.clone();
        if self.has_shown_class {
            (written.storage_class, written.has_shown_class) = (None, false);
        }
        if self.has_shown_encryption {
            written = written.without_encryption();
        }
        written
    }

    /// Returns the headers without encryption.
    pub(super) fn without_encryption(self) -> Self {
        Self {
            encryption: None,
            kms_key: None,
            bucket_key: None,
            has_shown_encryption: false,
            ..self
        }
    }

    /// Returns the tags as in the query of a URL; `None` if there are none, as servers without tags
    /// refuse the header.
    pub(super) fn tagging(&self) -> Option<String> {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pairs = self.tags.as_ref()?.iter();
        let pairs = pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        Some(pairs.collect::<Vec<_>>().join("&"))
    }

    /// Adds to a denied request the permission that its tags need.
    pub(super) fn naming_permission(&self, error: StoreError) -> StoreError {
        match &self.tags {
            Some(_) => naming(error, "s3:PutObjectTagging"),
            None => error,
        }
    }

    /// Adds `Expires`, whose text the SDK would change.
    pub(super) fn add_expires(&self, request: &mut HttpRequest) {
        if let Some(expires) = &self.expires {
            // A text that is no value of a header did not come in one.
            let _ = request.headers_mut().try_insert("expires", expires.clone());
        }
    }
}

/// Adds the headers of a [`Written`] to the builder of a request.
macro_rules! with_headers {
    ($request:expr, $written:expr) => {
        $request
            .set_content_type($written.content_type.clone())
            .set_metadata($written.metadata.clone())
            .set_cache_control($written.cache_control.clone())
            .set_content_disposition($written.content_disposition.clone())
            .set_content_encoding($written.content_encoding.clone())
            .set_content_language($written.content_language.clone())
            .set_website_redirect_location($written.website_redirect.clone())
            .set_storage_class($written.storage_class.clone())
            .set_server_side_encryption($written.encryption.clone())
            .set_ssekms_key_id($written.kms_key.clone())
            .set_bucket_key_enabled($written.bucket_key)
            .set_acl($written.acl.clone())
            .set_tagging($written.tagging())
    };
}
pub(super) use with_headers;

fn metadata(headers: &Headers) -> Option<HashMap<String, String>> {
    let pairs = || headers.metadata.clone().into_iter().collect();
    (!headers.metadata.is_empty()).then(pairs)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::object::EncryptionAlgorithm;

    fn settings() -> UploadSettings {
        UploadSettings {
            encryption: Some(Encryption {
                key_id: Some("key".into()),
                ..Encryption::new(EncryptionAlgorithm::Kms)
            }),
            storage_class: Some("STANDARD_IA".into()),
            acl: Some("bucket-owner-full-control".into()),
            tags: [("team".into(), "a b&c".into())].into(),
            checksum: None,
        }
    }

    fn with(properties: Properties) -> Headers {
        Headers {
            properties: Some(Arc::new(properties)),
            ..Headers::default()
        }
    }

    #[test]
    fn a_new_object_has_the_settings() {
        let written = Written::new(&settings(), &Headers::default());
        assert_eq!(written.storage_class, Some(StorageClass::StandardIa));
        assert_eq!(written.encryption, Some(ServerSideEncryption::AwsKms));
        assert_eq!(written.kms_key.as_deref(), Some("key"));
        assert_eq!(written.tagging().as_deref(), Some("team=a%20b%26c"));
        assert_eq!(written.acl, Some(ObjectCannedAcl::BucketOwnerFullControl));
    }

    #[test]
    fn an_object_keeps_its_class_and_tags_and_has_the_encryption_and_acl_of_the_settings() {
        let kept = Properties {
            storage_class: Some("GLACIER_IR".into()),
            encryption: Some(Encryption::new(EncryptionAlgorithm::Aes256)),
            tags: Tags::Read([("own".into(), String::new())].into()),
            expires: Some("tomorrow".into()),
            ..Properties::default()
        };
        let written = Written::new(&settings(), &with(kept.clone()));
        assert_eq!(written.storage_class, Some(StorageClass::GlacierIr));
        assert_eq!(written.encryption, Some(ServerSideEncryption::AwsKms));
        assert_eq!(written.tagging().as_deref(), Some("own="));
        assert_eq!(written.expires.as_deref(), Some("tomorrow"));
        assert!(written.acl.is_some());
        let none = UploadSettings::default();
        let written = Written::new(&none, &with(kept.clone()));
        assert_eq!(written.encryption, Some(ServerSideEncryption::Aes256));
        let copied = Written::of_copy(&none, Some(&kept));
        assert_eq!(copied.storage_class, Some(StorageClass::GlacierIr));
        assert_eq!(
            (copied.tags, copied.expires),
            (None, None),
            "copied by the server"
        );
    }

    #[test]
    fn an_object_without_properties_gets_none_of_new_objects() {
        let written = Written::new(&settings(), &with(Properties::default()));
        assert_eq!((written.storage_class, written.tags), (None, None));
    }
}
