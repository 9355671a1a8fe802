//! Directives of a copy: what it takes from its source, and what the request has.
//!
//! A server copies metadata and tags as directed, but neither storage class, encryption, ACL nor the
//! redirect of a website: these are in each request.

use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};

use crate::config::UploadSettings;
use crate::object::Properties;
use crate::store::CopiedHeaders;
use crate::store::s3::written::Written;

/// Headers of the request for a copy.
#[derive(Clone, Debug)]
pub(super) struct Directives {
    pub(super) metadata: MetadataDirective,
    /// `None` leaves the tags of the source, as all servers do.
    pub(super) tagging: Option<TaggingDirective>,
    pub(super) written: Written,
}

impl Directives {
    /// Returns the directives for a copy with these headers. `source` has the properties of the
    /// source where the copy keeps them.
    pub(super) fn new(
        settings: &UploadSettings,
        headers: CopiedHeaders<'_>,
        source: Option<&Properties>,
    ) -> Self {
        let (metadata, tagging, written) = match headers {
            CopiedHeaders::Source | CopiedHeaders::Known(_) => (
                MetadataDirective::Copy,
                None,
                Written::of_copy(settings, source),
            ),
            CopiedHeaders::Changed(headers) => {
                let written = Written {
                    tags: None,
                    ..Written::new(settings, headers)
                };
                (MetadataDirective::Replace, None, written)
            }
            CopiedHeaders::Other(headers) => (
                MetadataDirective::Replace,
                Some(TaggingDirective::Replace),
                Written::new(settings, headers),
            ),
        };
        Self {
            metadata,
            tagging,
            written,
        }
    }

    /// Returns whether the request has a directive that only keeps the tags of the source away.
    pub(super) fn only_drops_tags(&self) -> bool {
        self.tagging.is_some() && self.written.tags.is_none()
    }

    /// Returns the same directives for a server without tags.
    pub(super) fn without_tags(self) -> Self {
        Self {
            tagging: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::StorageClass;

    use super::*;
    use crate::object::{Headers, Tags};

    fn settings() -> UploadSettings {
        UploadSettings {
            storage_class: Some("STANDARD_IA".into()),
            tags: [("new".into(), "1".into())].into(),
            ..UploadSettings::default()
        }
    }

    fn class(directives: &Directives) -> Option<&str> {
        let class = directives.written.storage_class.as_ref();
        class.map(StorageClass::as_str)
    }

    #[test]
    fn a_copy_of_the_same_object_leaves_its_tags_to_the_server() {
        let kept = Properties {
            storage_class: Some("GLACIER_IR".into()),
            tags: Tags::Counted(1),
            ..Properties::default()
        };
        let known = CopiedHeaders::Known(Some(&kept));
        let headers = Headers {
            properties: Some(kept.clone().into()),
            ..Headers::default()
        };
        for copied in [
            known,
            CopiedHeaders::Source,
            CopiedHeaders::Changed(&headers),
        ] {
            let directives = Directives::new(&settings(), copied, Some(&kept));
            assert_eq!(class(&directives), Some("GLACIER_IR"));
            assert!(directives.tagging.is_none() && directives.written.tags.is_none());
        }
        let own = Directives::new(&settings(), CopiedHeaders::Known(None), None);
        assert_eq!(class(&own), Some("STANDARD_IA"));
    }

    #[test]
    fn another_object_has_its_own_tags_or_none() {
        let new = Headers::default();
        let directives = Directives::new(&settings(), CopiedHeaders::Other(&new), None);
        assert_eq!(directives.tagging, Some(TaggingDirective::Replace));
        assert_eq!(directives.written.tagging().as_deref(), Some("new=1"));
        let none = UploadSettings::default();
        let directives = Directives::new(&none, CopiedHeaders::Other(&new), None);
        assert!(directives.only_drops_tags());
        assert!(directives.without_tags().tagging.is_none());
    }
}
