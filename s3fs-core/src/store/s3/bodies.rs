//! Conversion of bodies between the SDK and [`crate::store`].

use aws_sdk_s3::primitives::{ByteStream, ByteStreamError, Length};
use aws_smithy_checksums::body::validate::Error as ChecksumError;
use bytes::Bytes;
use futures_util::stream;

use super::S3Store;
use super::sending::{Progress, watched};
use crate::object::{Key, caused_by, chain_in_one_line};
use crate::store::{Body, Content, GetBody, RequestId, Store, StoreError, StoreErrorKind};

impl S3Store {
    /// Returns a body in the SDK's form, and its progress.
    pub(super) async fn stream(
        &self,
        operation: &'static str,
        key: &Key,
        body: &Body,
    ) -> Result<(ByteStream, Progress), StoreError> {
        let stream = match &body.content {
            Content::Memory(bytes) => ByteStream::from(bytes.clone()),
            Content::File {
                file,
                offset,
                length,
            } => {
                // Opened again for each attempt, with an offset of its own.
                let path = Body::reopenable_path(file);
                let stream = ByteStream::read_from()
                    .path(path)
                    .offset(*offset)
                    .length(Length::Exact(*length));
                stream.build().await.map_err(|error| {
                    self.failed(
                        operation,
                        key,
                        StoreErrorKind::Other(chain_in_one_line(&error)),
                    )
                })?
            }
        };
        Ok(watched(stream, body.sending.clone()))
    }

    /// Returns the body of a response.
    pub(super) fn body(
        &self,
        key: &Key,
        body: ByteStream,
        request_id: Option<RequestId>,
    ) -> GetBody {
        let object = self.uri(key);
        let patience = self.patience;
        let failed = move |kind| {
            let error = StoreError::new("GetObject", object.clone(), kind);
            error.with_request_id(request_id.clone())
        };
        GetBody::new(stream::try_unfold(
            (body, failed),
            move |(mut body, failed)| async move {
                match tokio::time::timeout(patience, body.next()).await {
                    Ok(None) => Ok(None),
                    Ok(Some(Ok(piece))) => {
                        Ok::<Option<(Bytes, _)>, _>(Some((piece, (body, failed))))
                    }
                    Ok(Some(Err(error))) => Err(failed(broken(&error))),
                    Err(_silence) => Err(failed(StoreErrorKind::TimedOut)),
                }
            },
        ))
    }
}

/// Returns the kind of the error that ended a body.
fn broken(error: &ByteStreamError) -> StoreErrorKind {
    match caused_by::<ChecksumError>(error) {
        Some(mismatch) => StoreErrorKind::Corrupted(mismatch.to_string()),
        None => StoreErrorKind::Truncated(chain_in_one_line(error)),
    }
}
