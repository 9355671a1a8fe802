//! `CopyObject`, and the source that `UploadPartCopy` shares with it.

use std::sync::Arc;

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ETagCondition,
    MetadataDirective, TaggingDirective,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::convert::{
    checked, checksum_fields, headers_of, invalid_argument, now, read_condition, timestamp,
    write_condition,
};
use super::receive::{algorithm_of, digest_copy};
use super::{Api, Etags};
use crate::Quirk;
use crate::catalog::{
    Headers, Object, ReadCondition, Refusal, WriteCondition, is_directory, set_class,
};
use crate::random;

/// Maximum size of the source of a `CopyObject`, in bytes.
const MAX_COPY: u64 = 5 * 1024 * 1024 * 1024;

impl Api {
    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let on_target = condition_on_target(&request.headers)?;
        let mut input = request.input;
        let condition = read_condition(
            input.copy_source_if_match.take(),
            input.copy_source_if_none_match.take(),
            input.copy_source_if_modified_since.take(),
            input.copy_source_if_unmodified_since.take(),
        );
        let source = self.copy_source(&input.copy_source, &condition)?;
        if source.size > MAX_COPY {
            let message = "The specified copy source is larger than the maximum allowable size \
                           for a copy source: 5368709120";
            return Err(S3Error::with_message(S3ErrorCode::InvalidRequest, message));
        }
        let metadata = input.metadata_directive.take();
        let tags = input.tagging_directive.take();
        let directives = Directives {
            metadata: Directive::from_header(metadata.as_ref().map(MetadataDirective::as_str)),
            tags: Directive::from_header(tags.as_ref().map(TaggingDirective::as_str)),
        };
        if directives.metadata == Directive::Copy
            && names(&input.copy_source, &input.bucket, &input.key)
        {
            return Err(s3_error!(
                InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself \
                 without changing the object's metadata."
            ));
        }
        let requested = checked(headers_of!(input))?;
        let mut headers = directives.headers(&source.headers, requested);
        if directives.metadata == Directive::Replace {
            self.lose_tags(&mut headers);
        }
        set_class(&input.bucket, &mut headers);
        let algorithm = input
            .checksum_algorithm
            .as_ref()
            .map(|name| name.as_str().to_owned());
        let object = self.copied(&source, algorithm.as_deref()).await?;
        let mut object = Object { headers, ..object };
        if is_directory(&input.bucket) {
            object.etag = random::hex_string(16);
        }
        let result = CopyObjectResult {
            e_tag: Some(self.written_tag(object.etag.clone())),
            last_modified: Some(timestamp(object.modified)),
            ..copy_result(&object)
        };
        self.catalog
            .put_object(&input.bucket, &input.key, object, &on_target)?;
        let output = CopyObjectOutput {
            copy_object_result: Some(result),
            ..CopyObjectOutput::default()
        };
        Ok(S3Response::new(output))
    }

    /// Returns the copy, which shares the source's bytes. They are read only to compute digests for a
    /// source uploaded in parts, since a copy is an object of one part.
    async fn copied(&self, source: &Object, algorithm: Option<&str>) -> S3Result<Object> {
        let wanted = algorithm_of(algorithm)?;
        let kept = source.checksum.clone().filter(|checksum| {
            checksum.kind == crate::digest::ChecksumKind::FullObject
                && wanted.is_none_or(|wanted| wanted == checksum.algorithm)
        });
        let with_md5 = self.etags == Etags::Md5 && source.etag.contains('-');
        let compute = match &kept {
            Some(_) => None,
            None => wanted.or_else(|| Some(source.checksum.as_ref()?.algorithm)),
        };
        let received = digest_copy(source.content.clone(), with_md5, compute).await?;
        let etag = if source.etag.contains('-') {
            received.etag()
        } else {
            source.etag.clone()
        };
        Ok(Object {
            etag,
            modified: now(),
            checksum: kept.or(received.checksum),
            size: received.size,
            content: received.content,
            headers: source.headers.clone(),
            parts: 1,
        })
    }

    pub(super) fn copy_source(
        &self,
        source: &CopySource,
        condition: &ReadCondition,
    ) -> S3Result<Arc<Object>> {
        let CopySource::Bucket { bucket, key, .. } = source else {
            return Err(s3_error!(
                NotImplemented,
                "copies from access points are not supported"
            ));
        };
        let object = self.catalog.object(bucket, key)?;
        if self.knobs.has_quirk(Quirk::UncheckedCopies) {
            return Ok(object);
        }
        // A copy that isn't made because nothing changed is an error, not a "not modified".
        condition.check(&object).map_err(|refusal| match refusal {
            Refusal::NotModified { .. } => Refusal::PreconditionFailed,
            other => other,
        })?;
        Ok(object)
    }
}

/// Origin of a part of a copy's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    /// The source.
    Copy,
    /// The request.
    Replace,
}

impl Directive {
    fn from_header(header: Option<&str>) -> Self {
        match header {
            Some(MetadataDirective::REPLACE) => Self::Replace,
            _ => Self::Copy,
        }
    }
}

/// Origins of the headers of a copy.
#[derive(Clone, Copy, Debug)]
struct Directives {
    metadata: Directive,
    tags: Directive,
}

impl Directives {
    /// Returns the headers of a copy. Storage class, encryption and redirect are those of the request,
    /// whatever the source has.
    fn headers(self, source: &Headers, requested: Headers) -> Headers {
        let tags = match self.tags {
            Directive::Copy => source.tags.clone(),
            Directive::Replace => requested.tags.clone(),
        };
        match self.metadata {
            Directive::Replace => Headers { tags, ..requested },
            Directive::Copy => Headers {
                storage_class: requested.storage_class,
                encryption: requested.encryption,
                website_redirect: requested.website_redirect,
                tags,
                ..source.clone()
            },
        }
    }
}

/// Returns the conditions on the object that the copy replaces, which `s3s` does not parse.
fn condition_on_target(headers: &HeaderMap) -> S3Result<WriteCondition> {
    let read = |name: HeaderName| {
        let parsed = headers.get(&name).map(|value| {
            let condition = ETagCondition::parse_http_header(value.as_bytes());
            condition.map_err(|_| invalid_argument(format!("{name} is not an ETag")))
        });
        parsed.transpose()
    };
    Ok(write_condition(read(IF_MATCH)?, read(IF_NONE_MATCH)?))
}

fn names(source: &CopySource, target_bucket: &str, target_key: &str) -> bool {
    match source {
        CopySource::Bucket { bucket, key, .. } => {
            bucket.as_ref() == target_bucket && key.as_ref() == target_key
        }
        _ => false,
    }
}

fn copy_result(object: &Object) -> CopyObjectResult {
    let fields = checksum_fields(object.checksum.as_ref());
    CopyObjectResult {
        checksum_crc32: fields.checksum_crc32,
        checksum_crc32c: fields.checksum_crc32c,
        checksum_crc64nvme: fields.checksum_crc64nvme,
        checksum_sha1: fields.checksum_sha1,
        checksum_sha256: fields.checksum_sha256,
        checksum_type: fields.checksum_type,
        ..CopyObjectResult::default()
    }
}
