//! `ListMultipartUploads`.

use s3s::dto::{ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::Api;
use super::buckets::page_limit;
use super::convert::{count, timestamp};
use super::list::Encoding;
use crate::catalog::is_directory;

/// Key, ID and start of an upload.
type Described = (String, String, i64);

impl Api {
    pub(super) fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        let encoding = Encoding::of(input.encoding_type.as_ref())?;
        if input
            .delimiter
            .as_ref()
            .is_some_and(|delimiter| !delimiter.is_empty())
        {
            return Err(s3_error!(
                NotImplemented,
                "uploads are not grouped by a delimiter"
            ));
        }
        let limit = page_limit(input.max_uploads)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let marker = (
            input.key_marker.as_deref(),
            input.upload_id_marker.as_deref(),
        );
        let is_directory = is_directory(&input.bucket);
        let mut uploads = if is_directory {
            self.scattered_uploads(&input.bucket, &prefix, marker.0)?
        } else {
            self.uploads_behind(&input.bucket, &prefix, marker)?
        };
        let is_truncated = uploads.len() > limit;
        uploads.truncate(limit);
        let last = uploads.last().cloned().filter(|_| is_truncated);
        let describe = |(key, upload_id, initiated): Described| MultipartUpload {
            key: Some(encoding.write(&key)),
            upload_id: Some(upload_id),
            initiated: Some(timestamp(initiated)),
            ..MultipartUpload::default()
        };
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            prefix: Some(encoding.write(&prefix)),
            key_marker: encoding.write_some(input.key_marker.as_deref()),
            upload_id_marker: input.upload_id_marker,
            next_key_marker: last.as_ref().map(|(key, id, _)| {
                if is_directory {
                    id.clone()
                } else {
                    encoding.write(key)
                }
            }),
            next_upload_id_marker: last.map(|(_, id, _)| id).filter(|_| !is_directory),
            is_truncated: Some(is_truncated),
            max_uploads: Some(count(limit)),
            encoding_type: input.encoding_type,
            uploads: Some(uploads.into_iter().map(describe).collect()),
            ..ListMultipartUploadsOutput::default()
        }))
    }

    /// Returns key, ID and start of the uploads behind a marker, in key order.
    fn uploads_behind(
        &self,
        bucket: &str,
        prefix: &str,
        (key_marker, id_marker): (Option<&str>, Option<&str>),
    ) -> S3Result<Vec<Described>> {
        let mut uploads = self.catalog.read(|state| {
            let uploads = state.bucket(bucket)?.uploads.iter();
            let wanted = uploads.filter(|(id, upload)| {
                let key = upload.key.as_str();
                let is_behind = match (key_marker, id_marker) {
                    (None, _) => true,
                    (Some(key_marker), None) => key > key_marker,
                    (Some(key_marker), Some(id_marker)) => {
                        (key, id.as_str()) > (key_marker, id_marker)
                    }
                };
                key.starts_with(prefix) && is_behind
            });
            let fields = wanted
                .map(|(id, upload)| (upload.key.as_str().to_owned(), id.clone(), upload.initiated));
            Ok::<_, S3Error>(fields.collect::<Vec<_>>())
        })?;
        uploads.sort();
        Ok(uploads)
    }

    /// Returns the uploads of a directory bucket behind a marker, which is the ID of an upload: in no order
    /// of their keys.
    fn scattered_uploads(
        &self,
        bucket: &str,
        prefix: &str,
        marker: Option<&str>,
    ) -> S3Result<Vec<Described>> {
        self.catalog.read(|state| {
            let uploads = state.bucket(bucket)?.uploads.iter();
            let wanted = uploads.filter(|(id, upload)| {
                let is_behind = marker.is_none_or(|marker| id.as_str() > marker);
                is_behind && upload.key.as_str().starts_with(prefix)
            });
            let fields = wanted
                .map(|(id, upload)| (upload.key.as_str().to_owned(), id.clone(), upload.initiated));
            Ok(fields.collect())
        })
    }
}
