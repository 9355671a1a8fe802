//! `DeleteObject` and `DeleteObjects`.

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ObjectIdentifier,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, dto, s3_error};

use super::Api;
use super::convert::etag_condition;
use crate::access::access_denied;
use crate::catalog::{EtagCondition, Refusal, WriteCondition};

/// Maximum number of keys in one request.
const MAX_KEYS: usize = 1000;

impl Api {
    pub(super) fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        let if_match = input.if_match.map(etag_condition);
        let condition = WriteCondition {
            if_match,
            if_none_match: None,
        };
        self.catalog
            .delete_object(&input.bucket, &input.key, &condition)?;
        let mut response = S3Response::new(DeleteObjectOutput::default());
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(super) fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let S3Request {
            input, credentials, ..
        } = request;
        self.catalog
            .read(|state| state.bucket(&input.bucket).map(|_| ()))?;
        if input.delete.objects.is_empty() || input.delete.objects.len() > MAX_KEYS {
            return Err(s3_error!(MalformedXML, "a request deletes 1 to 1000 keys"));
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let mut output = DeleteObjectsOutput::default();
        for identifier in input.delete.objects {
            let key = identifier.key.clone();
            let allowed = self
                .access
                .may_delete(credentials.as_ref(), &input.bucket, &key);
            let deleted = if allowed {
                self.delete_one(&input.bucket, identifier)
                    .map_err(S3Error::from)
            } else {
                Err(access_denied())
            };
            match deleted {
                Ok(()) if quiet => {}
                Ok(()) => {
                    let deleted = DeletedObject {
                        key: Some(key),
                        ..DeletedObject::default()
                    };
                    output.deleted.get_or_insert_default().push(deleted);
                }
                Err(error) => output
                    .errors
                    .get_or_insert_default()
                    .push(failed(key, &error)),
            }
        }
        Ok(S3Response::new(output))
    }

    fn delete_one(&self, bucket: &str, identifier: ObjectIdentifier) -> Result<(), Refusal> {
        let if_match = identifier
            .e_tag
            .map(|etag| EtagCondition::Is(etag.into_value()));
        let condition = WriteCondition {
            if_match,
            if_none_match: None,
        };
        self.catalog
            .delete_object(bucket, &identifier.key, &condition)
    }
}

fn failed(key: String, error: &S3Error) -> dto::Error {
    let code: &S3ErrorCode = error.code();
    dto::Error {
        code: Some(code.as_str().to_owned()),
        key: Some(key),
        message: error.message().map(str::to_owned),
        ..dto::Error::default()
    }
}
