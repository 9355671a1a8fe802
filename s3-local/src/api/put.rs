//! `PutObject`, from a request and from the process itself.

use bytes::Bytes;
use s3s::dto::{PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response, S3Result};

use super::convert::{checked, checksum_headers, headers_of, now, write_condition};
use super::receive::{Announced, receive};
use super::{Api, Etags};
use crate::Quirk;
use crate::catalog::{Catalog, Headers, Object, Refusal, WriteCondition};
use crate::digest::Digests;
use crate::random;
use crate::storage::Storage;

impl Api {
    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        let mut stored_headers = checked(headers_of!(input))?;
        if input.key.ends_with('/') && self.knobs.has_quirk(Quirk::NoMarkerMetadata) {
            stored_headers = Headers::default();
        }
        let condition = write_condition(input.if_match, input.if_none_match);
        self.check_before_body(&input.bucket, &input.key, &condition)?;
        let announced = Announced::read(&headers, trailing_headers, input.content_length, None)?;
        let sink = self.storage.sink().map_err(super::convert::storage_error)?;
        let received = receive(sink, input.body, &announced, self.etags == Etags::Md5).await?;
        let object = Object {
            etag: received.etag(),
            size: received.size,
            content: received.content,
            modified: now(),
            headers: stored_headers,
            checksum: received.checksum,
        };
        let (etag, checksum) = (object.etag.clone(), object.checksum.clone());
        self.catalog
            .put_object(&input.bucket, &input.key, object, &condition)?;
        let output = PutObjectOutput {
            e_tag: Some(self.written_tag(etag)),
            ..Default::default()
        };
        let headers = checksum_headers(checksum.as_ref());
        Ok(S3Response::with_headers(output, headers))
    }

    /// Refuses a request that is bound to fail, before a large body is received.
    fn check_before_body(
        &self,
        bucket: &str,
        key: &str,
        condition: &WriteCondition,
    ) -> Result<(), Refusal> {
        match self.catalog.object(bucket, key) {
            Ok(object) => condition.check(Some(&object)),
            Err(Refusal::NoSuchKey) => condition.check(None),
            Err(refusal) => Err(refusal),
        }
    }
}

/// Object that this process itself stores.
pub(crate) struct ReceivedPut {
    pub(crate) bytes: Bytes,
    pub(crate) headers: Headers,
    pub(crate) etags: Etags,
}

/// Stores an object of this process; blocks on a folder store. Returns the `ETag` without its quotes.
pub(crate) fn store(
    catalog: &Catalog,
    storage: &Storage,
    bucket: &str,
    key: &str,
    put: ReceivedPut,
) -> Result<String, Refusal> {
    let mut digests = Digests::new(put.etags == Etags::Md5, None);
    digests.update(&put.bytes);
    let etag = digests
        .finish()
        .md5
        .map_or_else(|| random::hex_string(16), hex::encode);
    let size = put.bytes.len() as u64;
    let mut sink = storage.sink().map_err(Refusal::Storage)?;
    sink.push(put.bytes).map_err(Refusal::Storage)?;
    let object = Object {
        content: sink.finish(),
        size,
        etag: etag.clone(),
        modified: now(),
        headers: put.headers,
        checksum: None,
    };
    catalog.put_object(bucket, key, object, &WriteCondition::default())?;
    Ok(etag)
}
