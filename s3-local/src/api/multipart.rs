//! Multipart uploads.

use s3s::dto::{
    self, AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CopyPartResult, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ETag, ListPartsInput, ListPartsOutput, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use super::buckets::page_limit;
use super::convert::{
    checked, checksum_fields, checksum_headers, count, headers_of, invalid_argument, length, now,
    read_condition, storage_error, timestamp, write_condition,
};
use super::receive::{Announced, Received, algorithm_of, digest_copy, receive};
use super::{Api, Etags};
use crate::Quirk;
use crate::catalog::{Completion, Part, RequestedPart, Upload, WriteCondition, set_class};
use crate::digest::{ChecksumAlgorithm, ChecksumKind};
use crate::random;

/// Checks the number of a part: 1 to 10 000.
fn part_number(number: i32) -> S3Result<u16> {
    let valid = u16::try_from(number)
        .ok()
        .filter(|number| (1..=10_000).contains(number));
    let message = "Part number must be an integer between 1 and 10000, inclusive";
    valid.ok_or_else(|| invalid_argument(message))
}

fn checksum_of_upload(
    algorithm: Option<&dto::ChecksumAlgorithm>,
    kind: Option<&dto::ChecksumType>,
) -> S3Result<Option<(ChecksumAlgorithm, ChecksumKind)>> {
    let Some(algorithm) = algorithm_of(algorithm.map(dto::ChecksumAlgorithm::as_str))? else {
        return Ok(None);
    };
    let kind = match kind.map(dto::ChecksumType::as_str) {
        Some(dto::ChecksumType::FULL_OBJECT) => ChecksumKind::FullObject,
        Some(dto::ChecksumType::COMPOSITE) => ChecksumKind::Composite,
        _ => algorithm.default_kind(),
    };
    let is_crc = !matches!(
        algorithm,
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256
    );
    let exists = match kind {
        ChecksumKind::FullObject => is_crc,
        ChecksumKind::Composite => algorithm != ChecksumAlgorithm::Crc64Nvme,
    };
    if !exists {
        let (kind, algorithm) = (kind.name(), algorithm.name());
        return Err(s3_error!(
            InvalidRequest,
            "The {kind} checksum type cannot be used with the {algorithm} checksum algorithm."
        ));
    }
    Ok(Some((algorithm, kind)))
}

fn part_of(received: Received) -> Part {
    Part {
        etag: received.etag(),
        size: received.size,
        content: received.content,
        modified: now(),
        checksum: received.checksum,
    }
}

impl Api {
    pub(super) fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let mut input = request.input;
        let checksum = checksum_of_upload(
            input.checksum_algorithm.as_ref(),
            input.checksum_type.as_ref(),
        )?;
        let mut headers = checked(headers_of!(input))?;
        self.encrypt(request.credentials.as_ref(), &mut headers)?;
        self.lose_tags(&mut headers);
        set_class(&input.bucket, &mut headers);
        let upload = Upload {
            key: input.key.as_str().into(),
            initiated: now(),
            headers,
            checksum,
            parts: std::collections::BTreeMap::new(),
        };
        let upload_id = random::hex_string(24);
        self.catalog
            .create_upload(&input.bucket, &upload_id, upload)?;
        let kind = checksum.map(|(_, kind)| dto::ChecksumType::from_static(kind.name()));
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload_id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: kind,
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let S3Request {
            input,
            headers,
            trailing_headers,
            ..
        } = request;
        let number = part_number(input.part_number)?;
        let (bucket, key, id) = (&input.bucket, &input.key, &input.upload_id);
        let fallback = self
            .catalog
            .upload(bucket, key, id, |upload| upload.checksum)?;
        let fallback = fallback.map(|(algorithm, _)| algorithm);
        let announced =
            Announced::read(&headers, trailing_headers, input.content_length, fallback)?;
        let sink = self.storage.sink().map_err(storage_error)?;
        let received = {
            let with_md5 = self.etags_in(bucket) == Etags::Md5;
            receive(sink, input.body, &announced, with_md5).await?
        };
        let part = part_of(received);
        let headers = checksum_headers(part.checksum.as_ref());
        let output = UploadPartOutput {
            e_tag: Some(ETag::Strong(part.etag.clone())),
            ..UploadPartOutput::default()
        };
        self.catalog.put_part(bucket, key, id, number, part)?;
        Ok(S3Response::with_headers(output, headers))
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let input = request.input;
        let number = part_number(input.part_number)?;
        let (bucket, key, id) = (&input.bucket, &input.key, &input.upload_id);
        let checksum = self
            .catalog
            .upload(bucket, key, id, |upload| upload.checksum)?;
        let condition = read_condition(
            input.copy_source_if_match,
            input.copy_source_if_none_match,
            input.copy_source_if_modified_since,
            input.copy_source_if_unmodified_since,
        );
        let source = self.copy_source(&input.copy_source, &condition)?;
        let range = match &input.copy_source_range {
            Some(range) => copied_range(range, source.size)?,
            None => 0..source.size,
        };
        let algorithm = checksum.map(|(algorithm, _)| algorithm);
        let content = source.content.slice(range);
        let received = {
            let with_md5 = self.etags_in(bucket) == Etags::Md5;
            digest_copy(content, with_md5, algorithm).await?
        };
        let part = part_of(received);
        let fields = checksum_fields(part.checksum.as_ref());
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(part.etag.clone())),
            last_modified: Some(timestamp(part.modified)),
            checksum_crc32: fields.checksum_crc32,
            checksum_crc32c: fields.checksum_crc32c,
            checksum_crc64nvme: fields.checksum_crc64nvme,
            checksum_sha1: fields.checksum_sha1,
            checksum_sha256: fields.checksum_sha256,
        };
        self.catalog.put_part(bucket, key, id, number, part)?;
        let copy_part_result = Some(result);
        let output = UploadPartCopyOutput {
            copy_part_result,
            ..UploadPartCopyOutput::default()
        };
        Ok(S3Response::new(output))
    }

    pub(super) fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let parts = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .unwrap_or_default();
        let whole = [
            input.checksum_crc32,
            input.checksum_crc32c,
            input.checksum_crc64nvme,
            input.checksum_sha1,
            input.checksum_sha256,
        ];
        let completion = Completion {
            parts: parts
                .into_iter()
                .map(requested_part)
                .collect::<S3Result<_>>()?,
            condition: if self.knobs.has_quirk(Quirk::UncheckedCompletion) {
                WriteCondition::default()
            } else {
                write_condition(input.if_match, input.if_none_match)
            },
            checksums: whole.into_iter().flatten().collect(),
        };
        let (bucket, key, id) = (&input.bucket, &input.key, &input.upload_id);
        let object = self
            .catalog
            .complete_upload(bucket, key, id, &completion, now())?;
        let fields = checksum_fields(object.checksum.as_ref());
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            location: Some(format!("/{bucket}/{key}")),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(self.written_tag(object.etag)),
            checksum_crc32: fields.checksum_crc32,
            checksum_crc32c: fields.checksum_crc32c,
            checksum_crc64nvme: fields.checksum_crc64nvme,
            checksum_sha1: fields.checksum_sha1,
            checksum_sha256: fields.checksum_sha256,
            checksum_type: fields.checksum_type,
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    pub(super) fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        self.catalog
            .abort_upload(&input.bucket, &input.key, &input.upload_id)?;
        let mut response = S3Response::new(AbortMultipartUploadOutput::default());
        response.status = Some(http::StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(super) fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let limit = page_limit(input.max_parts)?;
        let after = input.part_number_marker.unwrap_or(0);
        let (bucket, key, id) = (&input.bucket, &input.key, &input.upload_id);
        let (mut parts, checksum) = self.catalog.upload(bucket, key, id, |upload| {
            let behind = upload
                .parts
                .iter()
                .filter(|(number, _)| i32::from(**number) > after);
            let parts: Vec<dto::Part> = behind.take(limit + 1).map(describe_part).collect();
            (parts, upload.checksum)
        })?;
        let is_truncated = parts.len() > limit;
        parts.truncate(limit);
        let last = parts.last().and_then(|part| part.part_number);
        let algorithm = checksum.map(|(it, _)| dto::ChecksumAlgorithm::from_static(it.name()));
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            is_truncated: Some(is_truncated),
            next_part_number_marker: last.filter(|_| is_truncated),
            part_number_marker: Some(after),
            max_parts: Some(count(limit)),
            parts: Some(parts),
            checksum_algorithm: algorithm,
            checksum_type: checksum.map(|(_, kind)| dto::ChecksumType::from_static(kind.name())),
            ..ListPartsOutput::default()
        }))
    }
}

fn requested_part(part: CompletedPart) -> S3Result<RequestedPart> {
    let missing = || S3Error::with_message(S3ErrorCode::MalformedXML, "a part has no number");
    let checksums = [
        part.checksum_crc32,
        part.checksum_crc32c,
        part.checksum_crc64nvme,
        part.checksum_sha1,
        part.checksum_sha256,
    ];
    Ok(RequestedPart {
        number: part_number(part.part_number.ok_or_else(missing)?)?,
        etag: part.e_tag.map(ETag::into_value),
        checksums: checksums.into_iter().flatten().collect(),
    })
}

fn describe_part((&number, part): (&u16, &Part)) -> dto::Part {
    let fields = checksum_fields(part.checksum.as_ref());
    dto::Part {
        part_number: Some(i32::from(number)),
        size: Some(length(part.size)),
        e_tag: Some(ETag::Strong(part.etag.clone())),
        last_modified: Some(timestamp(part.modified)),
        checksum_crc32: fields.checksum_crc32,
        checksum_crc32c: fields.checksum_crc32c,
        checksum_crc64nvme: fields.checksum_crc64nvme,
        checksum_sha1: fields.checksum_sha1,
        checksum_sha256: fields.checksum_sha256,
    }
}

/// Parses `x-amz-copy-source-range`, which must lie within the source.
fn copied_range(header: &str, size: u64) -> S3Result<std::ops::Range<u64>> {
    match dto::Range::parse(header) {
        Ok(dto::Range::Int {
            first,
            last: Some(last),
        }) if last < size => Ok(first..last + 1),
        Ok(dto::Range::Int { last: Some(_), .. }) => Err(invalid_argument(format!(
            "Range specified is not valid for source object of size: {size}"
        ))),
        _ => Err(invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last",
        )),
    }
}
