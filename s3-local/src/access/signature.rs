//! Signatures of requests about directory buckets, whose scope names the service `s3express`.
//!
//! The S3 service verifies signatures for `s3` alone. So a request is verified here and signed again for
//! that service, with the same key. The signatures of chunks are left out.

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use s3s::auth::{S3Auth as _, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result};
use sha2::{Digest as _, Sha256};

use super::{KeyRing, chunks};
use crate::query::pairs;

/// Service in the scope of a signature for directory buckets.
const SERVICE: &str = "s3express";

/// Characters that a canonical query leaves unencoded.
const LITERAL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Header `Authorization`.
struct Authorization<'a> {
    access_key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl KeyRing {
    /// Verifies the signature of a request about a directory bucket, and signs it for the service `s3`.
    /// Requests without a header `Authorization` stay as they are.
    ///
    /// # Errors
    /// The signature is of another service or does not match, or the key is refused.
    pub(crate) async fn sign_for_s3(&self, request: &mut Request<s3s::Body>) -> S3Result<()> {
        let Some(header) = text(request.headers(), AUTHORIZATION.as_str()) else {
            return Ok(());
        };
        let header = header.to_owned();
        let malformed = |message: &str| {
            let code = S3ErrorCode::AuthorizationHeaderMalformed;
            S3Error::with_message(
                code,
                format!("The authorization header is malformed; {message}"),
            )
        };
        let sent = parse(&header).ok_or_else(|| malformed("it has no credential"))?;
        if sent.service != SERVICE {
            let service = sent.service;
            let message =
                format!("incorrect service \"{service}\". This endpoint belongs to \"{SERVICE}\".");
            return Err(malformed(&message));
        }
        let secret = self.get_secret_key(sent.access_key).await?;
        if signature(request, (&sent, SERVICE), &secret) != sent.signature {
            let message = "The request signature we calculated does not match the signature you \
                           provided. Check your key and signing method.";
            let code = S3ErrorCode::SignatureDoesNotMatch;
            return Err(S3Error::with_message(code, message));
        }
        chunks::without_signatures(request).await?;
        let again = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}/{}/s3/aws4_request, SignedHeaders={}, Signature={}",
            sent.access_key,
            sent.date,
            sent.region,
            sent.signed_headers,
            signature(request, (&sent, "s3"), &secret)
        );
        if let Ok(value) = HeaderValue::from_str(&again) {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(())
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn parse(header: &str) -> Option<Authorization<'_>> {
    let field = |name: &str| {
        let (_, rest) = header.split_once(name)?;
        Some(rest.split(',').next()?.trim())
    };
    let mut scope = field("Credential=")?.rsplitn(5, '/');
    let (_terminal, service, region, date) =
        (scope.next()?, scope.next()?, scope.next()?, scope.next()?);
    Some(Authorization {
        access_key: scope.next()?,
        date,
        region,
        service,
        signed_headers: field("SignedHeaders=")?,
        signature: field("Signature=")?,
    })
}

fn canonical_request<B>(request: &Request<B>, signed_headers: &str) -> String {
    let encode = |part: &str| {
        let part = percent_decode_str(part).decode_utf8_lossy();
        utf8_percent_encode(&part, LITERAL).to_string()
    };
    let query = request.uri().query().unwrap_or_default();
    let mut query: Vec<_> = pairs(query)
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    query.sort();
    let headers = signed_headers.split(';').map(|name| {
        let values = request.headers().get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        format!("{name}:{}\n", values.join(","))
    });
    let payload = text(request.headers(), "x-amz-content-sha256").unwrap_or_default();
    format!(
        "{}\n{}\n{}\n{}\n{signed_headers}\n{payload}",
        request.method(),
        request.uri().path(),
        query.join("&"),
        headers.collect::<String>(),
    )
}

/// Returns the signature of a request for a service.
fn signature<B>(
    request: &Request<B>,
    (scope, service): (&Authorization<'_>, &str),
    secret: &SecretKey,
) -> String {
    let Authorization { date, region, .. } = scope;
    let canonical = canonical_request(request, scope.signed_headers);
    let time = text(request.headers(), "x-amz-date").unwrap_or_default();
    let hash = hex::encode(Sha256::digest(canonical.as_bytes()));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{date}/{region}/{service}/aws4_request\n{hash}");
    let key = format!("AWS4{}", secret.expose());
    let steps = [*date, *region, service, "aws4_request", &text];
    let key = steps
        .iter()
        .fold(key.into_bytes(), |key, step| hmac(&key, step.as_bytes()));
    hex::encode(key)
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyed_hash_is_that_of_rfc_4231() {
        let short = hmac(b"Jefe", b"what do ya want for nothing?");
        assert!(hex::encode(short).starts_with("5bdcc146bf60754e6a042426089575c7"));
        let long = hmac(
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
        );
        assert!(hex::encode(long).starts_with("60e431591ee0b67f0d8a26aacbf5b77f"));
    }
}
