//! Requests past the mount, of the SDK of AWS.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Credentials, Region, RequestChecksumCalculation,
};
use aws_sdk_s3::operation::get_object_tagging::GetObjectTaggingOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat};
use aws_sdk_s3::types::{ServerSideEncryption, StorageClass};
use tokio::runtime::Runtime;

use crate::property::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES,
    Encryption, METADATA, Property, REDIRECT, STORAGE_CLASS, Shown, TAGS,
};
use crate::server::Server;

/// Name of the bucket.
pub(crate) const BUCKET: &str = "properties";

/// Client of the bucket of a test.
pub(crate) struct Bucket {
    client: Client,
    runtime: Runtime,
}

impl Bucket {
    /// Connects to the bucket, and makes it if it does not exist.
    pub(crate) fn connect(server: &Server) -> Self {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&server.endpoint_url)
            .region(Region::new(server.region.clone()))
            .credentials_provider(Credentials::new(
                &server.access_key_id,
                &server.secret_access_key,
                None,
                None,
                "test",
            ))
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        let bucket = Self {
            client: Client::from_conf(config),
            runtime: Runtime::new().unwrap(),
        };
        bucket.make();
        bucket
    }

    /// Makes the bucket. Several tests may do so at once, so an error only counts if it is not there then.
    fn make(&self) {
        let make = self.client.create_bucket().bucket(BUCKET).send();
        if let Err(error) = self.runtime.block_on(make) {
            let look = self.client.head_bucket().bucket(BUCKET).send();
            self.runtime
                .block_on(look)
                .unwrap_or_else(|_| panic!("failed to make the bucket: {error:?}"));
        }
    }

    /// Stores an object with some properties.
    pub(crate) fn put(
        &self,
        key: &str,
        content: &[u8],
        properties: &[Property],
        encryption: Encryption,
    ) -> Result<(), String> {
        let put = self.client.put_object().bucket(BUCKET).key(key);
        let put = put.body(ByteStream::from(content.to_vec()));
        let put = properties
            .iter()
            .fold(put, |put, property| with(put, *property, encryption));
        let sent = self.runtime.block_on(put.send());
        sent.map(drop).map_err(|error| format!("{error:?}"))
    }

    /// Returns what the server shows of an object.
    pub(crate) fn show(&self, key: &str) -> Shown {
        let head = self.client.head_object().bucket(BUCKET).key(key).send();
        let tags = self.client.get_object_tagging().bucket(BUCKET).key(key);
        let head = self.runtime.block_on(head).unwrap();
        // Ceph says nothing that the SDK can read of an object whose tags it lost.
        let answer = self.runtime.block_on(tags.send());
        let mut tags = Vec::new();
        for tag in answer.iter().flat_map(GetObjectTaggingOutput::tag_set) {
            tags.push((tag.key().to_owned(), tag.value().to_owned()));
        }
        tags.sort();
        Shown { head, tags }
    }

    /// Returns the bytes of an object.
    pub(crate) fn get(&self, key: &str) -> Vec<u8> {
        let get = self.client.get_object().bucket(BUCKET).key(key);
        self.runtime.block_on(async {
            let answer = get.send().await.unwrap();
            answer.body.collect().await.unwrap().to_vec()
        })
    }
}

/// Adds a property to a request.
fn with(
    put: PutObjectFluentBuilder,
    property: Property,
    encryption: Encryption,
) -> PutObjectFluentBuilder {
    match property {
        Property::StorageClass => put.storage_class(StorageClass::from(STORAGE_CLASS)),
        Property::Tags => put.tagging(tagging()),
        Property::Redirect => put.website_redirect_location(REDIRECT),
        Property::Metadata => METADATA
            .iter()
            .fold(put, |put, (name, value)| put.metadata(*name, *value)),
        Property::Headers => put
            .cache_control(CACHE_CONTROL)
            .content_disposition(CONTENT_DISPOSITION)
            .content_encoding(CONTENT_ENCODING)
            .content_language(CONTENT_LANGUAGE)
            .content_type(CONTENT_TYPE)
            .expires(expires()),
        Property::Encryption => match encryption {
            Encryption::None => put,
            Encryption::Aes256 => put.server_side_encryption(ServerSideEncryption::Aes256),
            Encryption::Kms(key) => put
                .server_side_encryption(ServerSideEncryption::AwsKms)
                .ssekms_key_id(key),
        },
    }
}

fn expires() -> DateTime {
    DateTime::from_str(EXPIRES, DateTimeFormat::HttpDate).unwrap()
}

/// Returns the tags as the header has them.
fn tagging() -> String {
    let escape = |text: &str| {
        text.replace('+', "%2B")
            .replace('=', "%3D")
            .replace(' ', "%20")
            .replace('/', "%2F")
    };
    TAGS.map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .join("&")
}
