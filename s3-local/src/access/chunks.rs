//! Bodies in signed chunks, which are turned into unsigned ones.

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

/// Header with the hash of the body, or the kind of its chunks.
const HASH: &str = "x-amz-content-sha256";

/// Kind of signed chunks, with trailers.
const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

/// Kind of unsigned chunks, with trailers.
const UNSIGNED: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// Trailer with the signature of the others.
const SIGNATURE: &[u8] = b"x-amz-trailer-signature";

/// Maximum size of a body in signed chunks, in bytes. It is held in memory.
const MAX: usize = 1 << 30;

/// Leaves out the signatures of a body in signed chunks. Other requests stay as they are.
///
/// # Errors
/// The body breaks off, is too large or has no chunks.
pub(super) async fn without_signatures(request: &mut Request<s3s::Body>) -> S3Result<()> {
    if request
        .headers()
        .get(HASH)
        .is_none_or(|kind| kind != SIGNED)
    {
        return Ok(());
    }
    let body = request.body_mut().store_all_limited(MAX).await;
    let body = body.map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
    let plain = unsigned(&body).ok_or_else(|| s3_error!(IncompleteBody))?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(plain.len()));
    headers.insert(HASH, HeaderValue::from_static(UNSIGNED));
    *request.body_mut() = s3s::Body::from(plain);
    Ok(())
}

fn unsigned(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(body.len());
    loop {
        let line = line(&mut body)?;
        let size = line.split(|byte| *byte == b';').next()?;
        plain.extend_from_slice(size);
        plain.extend_from_slice(b"\r\n");
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            break;
        }
        let (chunk, rest) = body.split_at_checked(size.checked_add(2)?)?;
        plain.extend_from_slice(chunk);
        body = rest;
    }
    while let Some(trailer) = line(&mut body) {
        if !trailer.starts_with(SIGNATURE) {
            plain.extend_from_slice(trailer);
            plain.extend_from_slice(b"\r\n");
        }
    }
    Some(plain)
}

/// Takes a line from the front of a text, without its end.
fn line<'t>(text: &mut &'t [u8]) -> Option<&'t [u8]> {
    let end = text.windows(2).position(|pair| pair == b"\r\n")?;
    let (line, rest) = text.split_at(end);
    *text = &rest[2..];
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_and_trailers_stay_without_their_signatures() {
        let signed = b"5;chunk-signature=ab\r\nby\r\ns\r\n0;chunk-signature=cd\r\n\
                       x-amz-checksum-crc32:AA==\r\nx-amz-trailer-signature:ef\r\n\r\n";
        let plain = b"5\r\nby\r\ns\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n";
        assert_eq!(unsigned(signed).as_deref(), Some(&plain[..]));
        assert_eq!(unsigned(b"5;x\r\nby"), None);
    }
}
