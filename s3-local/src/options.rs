//! Options of buckets and objects that this process creates.

use crate::catalog::{BucketSettings, Headers};

/// Options of a new bucket; see [`Server::create_bucket_with`](crate::Server::create_bucket_with).
///
/// ```
/// use s3_local::{BucketOptions, S3Local};
///
/// let server = S3Local::builder().start();
/// server.create_bucket_with("data", BucketOptions::new().region("eu-central-1").public_read());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketOptions {
    region: Option<String>,
    public_read: bool,
    requester_pays: bool,
}

impl BucketOptions {
    /// Returns the options of a private bucket in the server's region.
    pub fn new() -> BucketOptions {
        BucketOptions::default()
    }

    /// Sets the bucket's region. Requests signed for another one are refused as S3 does: with 400
    /// `AuthorizationHeaderMalformed` if they are signed for `us-east-1`, else with 301
    /// `PermanentRedirect`. Both name the region in `x-amz-bucket-region`.
    #[must_use]
    pub fn region(self, region: impl Into<String>) -> BucketOptions {
        BucketOptions {
            region: Some(region.into()),
            ..self
        }
    }

    /// Allows anyone to list and read the bucket without credentials.
    #[must_use]
    pub fn public_read(self) -> BucketOptions {
        BucketOptions {
            public_read: true,
            ..self
        }
    }

    /// Denies requests without the header or query parameter `x-amz-request-payer: requester`.
    #[must_use]
    pub fn requester_pays(self) -> BucketOptions {
        BucketOptions {
            requester_pays: true,
            ..self
        }
    }

    pub(crate) fn into_settings(self, default_region: &str) -> BucketSettings {
        BucketSettings {
            region: self.region.unwrap_or_else(|| default_region.to_owned()),
            public_read: self.public_read,
            requester_pays: self.requester_pays,
        }
    }
}

/// Headers and user metadata of a new object; see [`Server::put_with`](crate::Server::put_with).
///
/// ```
/// use s3_local::{PutOptions, S3Local};
///
/// let server = S3Local::builder().start();
/// server.create_bucket("data");
/// let options = PutOptions::new().content_type("text/plain").metadata("mode", "33188");
/// server.put_with("data", "a.txt", "hello", options);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutOptions {
    headers: Headers,
}

impl PutOptions {
    /// Returns options without headers or user metadata.
    pub fn new() -> PutOptions {
        PutOptions::default()
    }

    /// Sets the object's media type.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> PutOptions {
        self.headers.content_type = Some(content_type.into());
        self
    }

    /// Adds an entry to the user metadata. The name goes without `x-amz-meta-` and is stored in
    /// lowercase.
    #[must_use]
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> PutOptions {
        self.headers
            .metadata
            .insert(name.into().to_ascii_lowercase(), value.into());
        self
    }

    /// Sets the storage class, such as `STANDARD_IA`. Objects in `GLACIER` and `DEEP_ARCHIVE` are archived:
    /// they are listed and described, but neither read nor copied (403 `InvalidObjectState`).
    #[must_use]
    pub fn storage_class(mut self, class: impl Into<String>) -> PutOptions {
        self.headers.storage_class = Some(class.into());
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> PutOptions {
        self.headers.tags.insert(name.into(), value.into());
        self
    }

    /// Sets `Cache-Control`.
    #[must_use]
    pub fn cache_control(mut self, value: impl Into<String>) -> PutOptions {
        self.headers.cache_control = Some(value.into());
        self
    }

    pub(crate) fn into_headers(self) -> Headers {
        self.headers
    }
}
