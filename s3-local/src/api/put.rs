//! `PutObject`, from a request and from the process itself.

use bytes::Bytes;
use s3s::dto::{PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::convert::{checked, checksum_headers, headers_of, now, write_condition};
use super::receive::{Announced, receive};
use super::{Api, Etags};
use crate::Quirk;
use crate::catalog::{
    Appended, Catalog, Headers, Object, Refusal, WriteCondition, is_directory, set_class,
};
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
            credentials,
            ..
        } = request;
        let mut stored_headers = checked(headers_of!(input))?;
        self.encrypt(credentials.as_ref(), &mut stored_headers)?;
        if input.key.ends_with('/') && self.knobs.has_quirk(Quirk::NoMarkerMetadata) {
            stored_headers = Headers::default();
        }
        set_class(&input.bucket, &mut stored_headers);
        let condition = write_condition(input.if_match, input.if_none_match);
        self.check_before_body(&input.bucket, &input.key, &condition)?;
        let announced = Announced::read(&headers, trailing_headers, input.content_length, None)?;
        let sink = self.storage.sink().map_err(super::convert::storage_error)?;
        let with_md5 = self.etags_in(&input.bucket) == Etags::Md5;
        let received = receive(sink, input.body, &announced, with_md5).await?;
        let object = Object {
            etag: received.etag(),
            size: received.size,
            content: received.content,
            modified: now(),
            headers: stored_headers,
            checksum: received.checksum,
            parts: 1,
        };
        let (bucket, key) = (&input.bucket, &input.key);
        let (etag, checksum) = if let Some(offset) = input.write_offset_bytes {
            let appended = appended(bucket, offset, object)?;
            let object = self
                .catalog
                .append_object(bucket, key, appended, &condition)?;
            (object.etag.clone(), object.checksum.clone())
        } else {
            let described = (object.etag.clone(), object.checksum.clone());
            self.catalog.put_object(bucket, key, object, &condition)?;
            described
        };
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

/// Checks a request that appends.
fn appended(bucket: &str, offset: i64, object: Object) -> S3Result<Appended> {
    if !is_directory(bucket) {
        return Err(s3_error!(
            NotImplemented,
            "A header you provided implies functionality that is not implemented."
        ));
    }
    if object.size == 0 {
        let message = "Request body cannot be empty when write offset is specified";
        return Err(s3_error!(InvalidRequest, "{message}"));
    }
    let offset = u64::try_from(offset).map_err(|_| Refusal::InvalidWriteOffset)?;
    Ok(Appended { offset, object })
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
    let with_md5 = put.etags == Etags::Md5 && !is_directory(bucket);
    let mut digests = Digests::new(with_md5, None);
    digests.update(&put.bytes);
    let etag = digests
        .finish()
        .md5
        .map_or_else(|| random::hex_string(16), hex::encode);
    let mut headers = put.headers;
    set_class(bucket, &mut headers);
    let size = put.bytes.len() as u64;
    let mut sink = storage.sink().map_err(Refusal::Storage)?;
    sink.push(put.bytes).map_err(Refusal::Storage)?;
    let object = Object {
        content: sink.finish(),
        size,
        etag: etag.clone(),
        modified: now(),
        headers,
        checksum: None,
        parts: 1,
    };
    catalog.put_object(bucket, key, object, &WriteCondition::default())?;
    Ok(etag)
}
