//! Properties of an object: the values that tests store, and those that a server shows.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;

/// Property of an object, or several that all servers treat alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Property {
    StorageClass,
    Encryption,
    Tags,
    /// `Cache-Control`, `Content-*` and `Expires`.
    Headers,
    /// Redirect of a website.
    Redirect,
    /// Metadata of users that no file system writes.
    Metadata,
}

impl Property {
    pub(crate) const ALL: [Self; 6] = [
        Self::StorageClass,
        Self::Encryption,
        Self::Tags,
        Self::Headers,
        Self::Redirect,
        Self::Metadata,
    ];
}

/// Encryption of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    None,
    Aes256,
    /// Key of AWS KMS.
    Kms(&'static str),
}

pub(crate) const STORAGE_CLASS: &str = "STANDARD_IA";
pub(crate) const CACHE_CONTROL: &str = "max-age=60, public";
pub(crate) const CONTENT_DISPOSITION: &str = "attachment; filename=\"a b.txt\"";
pub(crate) const CONTENT_ENCODING: &str = "gzip";
pub(crate) const CONTENT_LANGUAGE: &str = "de, en";
pub(crate) const CONTENT_TYPE: &str = "text/x-special";
pub(crate) const EXPIRES: &str = "Thu, 01 Dec 2033 16:00:00 GMT";
pub(crate) const REDIRECT: &str = "/elsewhere";
pub(crate) const METADATA: [(&str, &str); 2] = [("colour", "blue"), ("owner-team", "a b")];
pub(crate) const TAGS: [(&str, &str); 2] = [("k/x", "1 = 2+3"), ("team", "a b")];

/// Properties that a server shows of an object.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) head: HeadObjectOutput,
    /// Names and values of the tags, sorted.
    pub(crate) tags: Vec<(String, String)>,
}

impl Shown {
    /// Returns the values of a property as text.
    pub(crate) fn text(&self, property: Property) -> String {
        let head = &self.head;
        match property {
            Property::StorageClass => format!("{:?}", head.storage_class()),
            Property::Encryption => {
                let key = (head.ssekms_key_id(), head.bucket_key_enabled());
                format!("{:?} {key:?}", head.server_side_encryption())
            }
            Property::Tags => format!("{:?}", self.tags),
            Property::Headers => format!("{:?}", headers(head)),
            Property::Redirect => format!("{:?}", head.website_redirect_location()),
            Property::Metadata => {
                let metadata = head.metadata().unwrap();
                let found = METADATA.map(|(name, _)| (name, metadata.get(name)));
                format!("{found:?}")
            }
        }
    }
}

/// Returns the text of a property that an object was stored with.
pub(crate) fn stored(property: Property, encryption: Encryption) -> String {
    match property {
        Property::StorageClass => "Some(StandardIa)".to_owned(),
        Property::Encryption => match encryption {
            Encryption::None => "None (None, None)".to_owned(),
            Encryption::Aes256 => "Some(Aes256) (None, None)".to_owned(),
            Encryption::Kms(key) => format!("Some(AwsKms) (Some({key:?}), None)"),
        },
        Property::Tags => format!("{TAGS:?}"),
        Property::Headers => {
            let values = [
                CACHE_CONTROL,
                CONTENT_DISPOSITION,
                CONTENT_ENCODING,
                CONTENT_LANGUAGE,
                CONTENT_TYPE,
                EXPIRES,
            ];
            format!("{:?}", values.map(Some))
        }
        Property::Redirect => format!("{:?}", Some(REDIRECT)),
        Property::Metadata => format!("{:?}", METADATA.map(|(name, value)| (name, Some(value)))),
    }
}

fn headers(head: &HeadObjectOutput) -> [Option<&str>; 6] {
    [
        head.cache_control(),
        head.content_disposition(),
        head.content_encoding(),
        head.content_language(),
        head.content_type(),
        head.expires_string(),
    ]
}
