//! Requests of multipart uploads.

use std::sync::atomic::Ordering;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::client::{sending_timeouts, transfer_timeouts};
use super::conditions::refusal;
use super::integrity::{Plan, checksum_type, part_checksum, sdk_algorithm, value_of, with_digests};
use super::kept_tags::Tagged;
use super::values::{content_length, if_match, if_none_match, without_body};
use super::written::{Written, with_headers};
use super::{PayloadSigning, S3Store};
use crate::object::{ETag, Headers, Key};
use crate::store::{
    Body, Capability, ChecksumAlgorithm, PartNumber, PartTag, Precondition, StoreError,
    StoreErrorKind, UploadId, Vendor,
};

impl S3Store {
    pub(super) async fn create_multipart(
        &self,
        key: &Key,
        headers: &Headers,
    ) -> Result<UploadId, StoreError> {
        loop {
            let plan = self.integrity.plan();
            match self.create_multipart_with(plan, key, headers).await {
                Err(error) if self.integrity.learn(plan, &error.kind) => {}
                created => {
                    if let Ok(id) = &created {
                        self.integrity.created(id, plan);
                    }
                    return created;
                }
            }
        }
    }

    async fn create_multipart_with(
        &self,
        plan: Plan,
        key: &Key,
        headers: &Headers,
    ) -> Result<UploadId, StoreError> {
        let written = self.written(headers);
        let send = |written| Box::pin(self.create_multipart_of(written, plan, key));
        self.send_written(written, send).await
    }

    async fn create_multipart_of(
        &self,
        written: Written,
        plan: Plan,
        key: &Key,
    ) -> Result<UploadId, StoreError> {
        let answer = with_headers!(self.client.create_multipart_upload(), written)
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .set_checksum_algorithm(plan.algorithm.map(sdk_algorithm))
            .set_checksum_type(checksum_type(plan.algorithm))
            .set_request_payer(self.payer.clone())
            .customize()
            .mutate_request({
                let written = written.clone();
                move |request| {
                    without_body(request);
                    written.add_expires(request);
                }
            })
            .send()
            .await
            .map_err(self.error("CreateMultipartUpload", key))
            .map_err(|error| written.naming_permission(error))?;
        let id = answer.upload_id.map(UploadId).ok_or_else(|| {
            let kind = StoreErrorKind::NotS3("no upload id".into());
            self.failed("CreateMultipartUpload", key, kind)
        })?;
        if self.capabilities.vendor() == Vendor::Other {
            self.tags.uploads.created(&id, written.tags);
        }
        Ok(id)
    }

    pub(super) async fn send_part(
        &self,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: &Body,
    ) -> Result<PartTag, StoreError> {
        loop {
            let plan = self.integrity.plan_of(upload);
            match self.send_part_with(plan, key, upload, number, body).await {
                Err(error) if self.integrity.learn(plan, &error.kind) => {
                    if self.integrity.plan().algorithm.is_none() {
                        self.integrity.forget(upload);
                    }
                }
                sent => return sent,
            }
        }
    }

    async fn send_part_with(
        &self,
        plan: Plan,
        key: &Key,
        upload: &UploadId,
        number: PartNumber,
        body: &Body,
    ) -> Result<PartTag, StoreError> {
        let digests = self.digests(plan, ("UploadPart", key), body).await?;
        let (stream, progress) = self.stream("UploadPart", key, body).await?;
        let request = with_digests!(self.client.upload_part(), digests)
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .upload_id(&upload.0)
            .part_number(i32::from(number.0))
            .content_length(content_length(body))
            .body(stream)
            .set_request_payer(self.payer.clone())
            .customize()
            .config_override(sending_timeouts());
        let sent = async {
            let answer = match self.payload_signing {
                PayloadSigning::Unsigned => request.disable_payload_signing().send().await,
                PayloadSigning::Signed => request.send().await,
            };
            answer.map_err(self.error("UploadPart", key))
        };
        let at = ("UploadPart", key);
        let mut answer = self.sent(at, (&progress, body.length()), sent).await?;
        Ok(PartTag {
            number,
            etag: self.part_tag("UploadPart", key, answer.e_tag.as_deref())?,
            checksum: part_checksum!(answer, plan),
        })
    }

    pub(super) async fn complete_multipart(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let is_conditional = *precondition != Precondition::None;
        if is_conditional && !self.capabilities.has(Capability::ConditionalComplete) {
            // The server may ignore the precondition.
            self.check("CompleteMultipartUpload", key, precondition)
                .await?;
        }
        let none = &Precondition::None;
        if self.completes_plainly.load(Ordering::Acquire) {
            return self.send_completion(key, upload, parts, none).await;
        }
        match self.send_completion(key, upload, parts, precondition).await {
            Err(error) if is_conditional && refusal(&error.kind).is_any() => {
                if self.capabilities.has(Capability::ConditionalComplete) {
                    self.capabilities.lacks(Capability::ConditionalComplete);
                    self.check("CompleteMultipartUpload", key, precondition)
                        .await?;
                }
                let completed = self.send_completion(key, upload, parts, none).await?;
                self.completes_plainly.store(true, Ordering::Release);
                Ok(completed)
            }
            completed => completed,
        }
    }

    async fn send_completion(
        &self,
        key: &Key,
        upload: &UploadId,
        parts: &[PartTag],
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let first = parts.first().and_then(|part| part.checksum.as_ref());
        let checksum_type = checksum_type(first.map(|checksum| checksum.algorithm));
        let parts = parts.iter().map(|part| {
            let value = |algorithm| value_of(part.checksum.as_ref(), algorithm);
            CompletedPart::builder()
                .part_number(i32::from(part.number.0))
                .e_tag(part.etag.quoted())
                .set_checksum_crc32(value(ChecksumAlgorithm::Crc32))
                .set_checksum_crc32_c(value(ChecksumAlgorithm::Crc32c))
                .set_checksum_crc64_nvme(value(ChecksumAlgorithm::Crc64Nvme))
                .build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect()));
        let answer = self
            .client
            .complete_multipart_upload()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .upload_id(&upload.0)
            .multipart_upload(parts.build())
            .set_checksum_type(checksum_type)
            .set_if_none_match(if_none_match(precondition))
            .set_if_match(if_match(precondition))
            .set_request_payer(self.payer.clone())
            .customize()
            .config_override(transfer_timeouts())
            .send()
            .await
            .map_err(self.error("CompleteMultipartUpload", key))?;
        self.integrity.forget(upload);
        let tags = self.tags.uploads.ended(upload);
        self.keep_tags(Tagged::Upload, key, tags.as_ref()).await;
        self.stored_tag(key, answer.e_tag.as_deref()).await
    }

    pub(super) async fn abort_multipart(
        &self,
        key: &Key,
        upload: &UploadId,
    ) -> Result<(), StoreError> {
        self.tags.uploads.ended(upload);
        self.integrity.forget(upload);
        let answer = self
            .client
            .abort_multipart_upload()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .upload_id(&upload.0)
            .set_request_payer(self.payer.clone())
            .send()
            .await;
        match answer {
            // The upload has been completed or aborted already.
            Err(error) if error.code() == Some("NoSuchUpload") => Ok(()),
            answer => answer
                .map(drop)
                .map_err(self.error("AbortMultipartUpload", key)),
        }
    }
}
