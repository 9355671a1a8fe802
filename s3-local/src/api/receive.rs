//! Receiving a request's body: storing it, computing its digests, and checking them against the headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::HeaderMap;
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders};
use tokio::task::JoinHandle;

use super::convert::{invalid_argument, storage_error};
use crate::content::Content;
use crate::content::Sink;
use crate::digest::{Checksum, ChecksumAlgorithm, Digests};
use crate::random;

/// Size of a stored piece, in bytes: large enough that a response is made of large writes.
const SEGMENT: usize = 8 * 1024 * 1024;

/// Largest piece in bytes that is processed inline: handing a smaller one to another thread costs more
/// than its work.
const INLINE: usize = 128 * 1024;

/// Maximum size of the body of one request, in bytes.
const MAX_BODY: u64 = 5 * 1024 * 1024 * 1024;

/// Length and digests of a body, as the sender states them.
pub(super) struct Announced {
    md5: Option<[u8; 16]>,
    algorithm: Option<ChecksumAlgorithm>,
    /// Checksum from the headers; without one it is in the trailers.
    checksum: Option<String>,
    trailers: Option<TrailingHeaders>,
    length: Option<u64>,
}

impl Announced {
    /// Reads the headers; `fallback` is the algorithm to use if the sender names none.
    pub(super) fn read(
        headers: &HeaderMap,
        trailers: Option<TrailingHeaders>,
        content_length: Option<i64>,
        fallback: Option<ChecksumAlgorithm>,
    ) -> S3Result<Announced> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let md5 = text("content-md5").map(parse_md5).transpose()?;
        let in_header = ChecksumAlgorithm::ALL
            .into_iter()
            .find_map(|algorithm| Some((algorithm, text(algorithm.header())?.to_owned())));
        let in_trailer = text("x-amz-trailer").and_then(ChecksumAlgorithm::from_header);
        let named = text("x-amz-sdk-checksum-algorithm").and_then(ChecksumAlgorithm::from_name);
        let (algorithm, checksum) = match in_header {
            Some((algorithm, value)) => (Some(algorithm), Some(value)),
            None => (in_trailer.or(named).or(fallback), None),
        };
        let length = content_length.and_then(|length| u64::try_from(length).ok());
        if length.is_some_and(|length| length > MAX_BODY) {
            let message = "Your proposed upload exceeds the maximum allowed size";
            return Err(S3Error::with_message(S3ErrorCode::EntityTooLarge, message));
        }
        Ok(Announced {
            md5,
            algorithm,
            checksum,
            trailers,
            length,
        })
    }

    fn check(&self, digests: &Received) -> S3Result<()> {
        if self.md5.is_some() && self.md5 != digests.md5 {
            return Err(bad_digest("Content-MD5"));
        }
        let Some(computed) = &digests.checksum else {
            return Ok(());
        };
        let trailer = self.trailers.as_ref().and_then(|trailers| {
            let read = |headers: &HeaderMap| {
                let value = headers.get(computed.algorithm.header())?;
                value.to_str().ok().map(str::to_owned)
            };
            trailers.read(read).flatten()
        });
        match self.checksum.as_ref().or(trailer.as_ref()) {
            Some(sent) if *sent != computed.value => Err(bad_digest(computed.algorithm.name())),
            _ => Ok(()),
        }
    }
}

fn parse_md5(header: &str) -> S3Result<[u8; 16]> {
    let decoded = STANDARD
        .decode(header)
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    decoded.ok_or_else(|| {
        let message = "The Content-MD5 you specified was invalid.";
        S3Error::with_message(S3ErrorCode::InvalidDigest, message)
    })
}

fn bad_digest(name: &str) -> S3Error {
    let message = format!("The {name} you specified did not match the calculated checksum.");
    S3Error::with_message(S3ErrorCode::BadDigest, message)
}

/// Stored body that is not yet part of an object or upload.
pub(super) struct Received {
    pub(super) content: Content,
    pub(super) size: u64,
    md5: Option<[u8; 16]>,
    pub(super) checksum: Option<Checksum>,
}

impl Received {
    /// Returns the MD5 in hexadecimal, or a random value if none was computed.
    pub(super) fn etag(&self) -> String {
        self.md5.map_or_else(|| random::hex_string(16), hex::encode)
    }
}

/// Digesting and storing end of a body, which runs on another thread while the next bytes arrive.
struct Intake {
    sink: Sink,
    digests: Digests,
    size: u64,
}

impl Intake {
    fn take(mut self: Box<Self>, segment: Bytes) -> std::io::Result<Box<Intake>> {
        self.digests.update(&segment);
        self.size += segment.len() as u64;
        self.sink.push(segment)?;
        Ok(self)
    }

    /// Returns whether processing a segment only pushes it to a list.
    fn is_trivial(&self) -> bool {
        self.digests.is_empty() && matches!(self.sink, Sink::Memory(_))
    }
}

/// Intake that is idle here or at work on another thread.
enum Stage {
    Idle(Box<Intake>),
    Busy(JoinHandle<std::io::Result<Box<Intake>>>),
}

impl Stage {
    async fn idle(self) -> std::io::Result<Box<Intake>> {
        match self {
            Stage::Idle(intake) => Ok(intake),
            Stage::Busy(task) => task.await.map_err(std::io::Error::other).flatten(),
        }
    }

    async fn take(self, segment: Bytes) -> std::io::Result<Stage> {
        let intake = self.idle().await?;
        if segment.len() <= INLINE || intake.is_trivial() {
            return intake.take(segment).map(Stage::Idle);
        }
        Ok(Stage::Busy(tokio::task::spawn_blocking(move || {
            intake.take(segment)
        })))
    }
}

/// Stores a body and checks it.
pub(super) async fn receive(
    sink: Sink,
    body: Option<StreamingBlob>,
    announced: &Announced,
    with_md5: bool,
) -> S3Result<Received> {
    let digests = Digests::new(with_md5 || announced.md5.is_some(), announced.algorithm);
    let mut stage = Stage::Idle(Box::new(Intake {
        sink,
        digests,
        size: 0,
    }));
    let mut buffer = BytesMut::new();
    let mut expected = announced.length.unwrap_or(0);
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let mut chunk = chunk.map_err(body_error)?;
            while !chunk.is_empty() {
                if buffer.capacity() == 0 {
                    let expected = usize::try_from(expected).unwrap_or(SEGMENT);
                    buffer.reserve(expected.max(chunk.len()).min(SEGMENT));
                }
                let piece = chunk.split_to(chunk.len().min(SEGMENT - buffer.len()));
                buffer.extend_from_slice(&piece);
                expected = expected.saturating_sub(piece.len() as u64);
                if buffer.len() == SEGMENT {
                    let segment = std::mem::take(&mut buffer).freeze();
                    stage = stage.take(segment).await.map_err(storage_error)?;
                }
            }
        }
    }
    if !buffer.is_empty() {
        stage = stage.take(buffer.freeze()).await.map_err(storage_error)?;
    }
    let intake = stage.idle().await.map_err(storage_error)?;
    finish(*intake, announced)
}

fn finish(intake: Intake, announced: &Announced) -> S3Result<Received> {
    if announced.length.is_some_and(|length| length != intake.size) {
        return Err(S3Error::with_message(
            S3ErrorCode::IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header.",
        ));
    }
    let digested = intake.digests.finish();
    let received = Received {
        content: intake.sink.finish(),
        size: intake.size,
        md5: digested.md5,
        checksum: digested.checksum,
    };
    announced.check(&received)?;
    Ok(received)
}

/// Converts an error of the body. A body that breaks off is the fault of the client or the network. A
/// wrong hash or signature is recognised by the text alone, since the error types of `s3s` are private.
fn body_error(source: StdError) -> S3Error {
    let text = source.to_string();
    let mut error = S3Error::with_source(S3ErrorCode::IncompleteBody, source);
    if text.contains("Sha256Mismatch") {
        if let Some(code) = S3ErrorCode::from_bytes(b"XAmzContentSHA256Mismatch") {
            error.set_code(code);
        }
        error.set_status_code(http::StatusCode::BAD_REQUEST);
        error.set_message(
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
    } else if text.contains("SignatureMismatch") {
        error.set_code(S3ErrorCode::SignatureDoesNotMatch);
    }
    error
}

/// Returns the range of `content` that a copy takes, with new digests where its `ETag` can't be kept.
pub(super) async fn digest_copy(
    content: Content,
    with_md5: bool,
    algorithm: Option<ChecksumAlgorithm>,
) -> S3Result<Received> {
    let mut digests = Digests::new(with_md5, algorithm);
    let size = content.len();
    let digest = move || {
        if !digests.is_empty() {
            crate::content::read_all(&content, |bytes| digests.update(&bytes))?;
        }
        Ok((content, digests.finish()))
    };
    let task = tokio::task::spawn_blocking(digest);
    let done = task.await.map_err(std::io::Error::other).flatten();
    let (content, digested) = done.map_err(storage_error)?;
    Ok(Received {
        content,
        size,
        md5: digested.md5,
        checksum: digested.checksum,
    })
}

pub(super) fn algorithm_of(name: Option<&str>) -> S3Result<Option<ChecksumAlgorithm>> {
    let unknown = || invalid_argument("Checksum algorithm provided is unsupported.");
    name.map(|name| ChecksumAlgorithm::from_name(name).ok_or_else(unknown))
        .transpose()
}
