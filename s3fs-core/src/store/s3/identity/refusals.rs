//! Responses that refuse the credentials of their requests.

use std::fmt::Debug;

use aws_sdk_s3::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::{Identity, KeyHash};

/// Codes of errors that refuse keys: they have expired, were replaced, or do not belong together.
const REFUSALS: [&str; 7] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "InvalidTokenId",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
];

/// Returns whether an error's code refuses the keys of the request.
pub(in crate::store::s3) fn is_refusal(code: &str) -> bool {
    REFUSALS.contains(&code)
}

/// Keys that requests are signed with, which may be refused.
pub(in crate::store::s3) trait SigningKeys: Debug + Send + Sync {
    /// Keys of one request.
    type Signed: Storable<Storer = StoreReplace<Self::Signed>>;

    /// Returns the keys that a request with these headers is signed with.
    fn signed(headers: &Headers) -> Option<Self::Signed>;

    /// Records that a response refused keys.
    fn refused(&self, keys: &Self::Signed);
}

/// Interceptor that tells which keys were refused.
#[derive(Debug)]
pub(in crate::store::s3) struct WatchRefusals<K>(pub(in crate::store::s3) K);

impl<K: SigningKeys> Intercept for WatchRefusals<K> {
    fn name(&self) -> &'static str {
        "WatchRefusals"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(keys) = K::signed(context.request().headers()) {
            config.interceptor_state().store_put(keys);
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The request itself is gone by now.
        if let (true, Some(keys)) = (refuses_keys(context), config.load::<K::Signed>()) {
            self.0.refused(keys);
        }
        Ok(())
    }
}

/// Returns whether a response refuses the keys of its request.
fn refuses_keys(context: &FinalizerInterceptorContextRef<'_>) -> bool {
    let has_failed = context
        .output_or_error()
        .is_some_and(|answer| answer.is_err());
    let body = context.response().and_then(|answer| answer.body().bytes());
    has_failed && body.and_then(code).is_some_and(is_refusal)
}

impl Storable for KeyHash {
    type Storer = StoreReplace<Self>;
}

impl SigningKeys for Identity {
    type Signed = KeyHash;

    fn signed(headers: &Headers) -> Option<KeyHash> {
        let id = headers.get("authorization").and_then(signing_key)?;
        Some(KeyHash::new(id, headers.get("x-amz-security-token")))
    }

    fn refused(&self, keys: &KeyHash) {
        self.on_refused(*keys);
    }
}

/// Returns the ID of the key that a request was signed with.
fn signing_key(authorization: &str) -> Option<&str> {
    let (_, rest) = authorization.split_once("Credential=")?;
    let (id, _) = rest.split_once('/')?;
    Some(id)
}

/// Returns the code of an error document.
fn code(document: &[u8]) -> Option<&str> {
    let document = std::str::from_utf8(document).ok()?;
    let (_, rest) = document.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_request_and_the_code_of_its_error_are_read() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/us-east-1/s3/aws4_request, \
                      SignedHeaders=host, Signature=00";
        assert_eq!(signing_key(header), Some("AKIA1"));
        assert_eq!(signing_key("Bearer x"), None);
        let document = b"<Error><Code>ExpiredToken</Code><Message>m</Message></Error>";
        assert!(code(document).is_some_and(is_refusal));
        assert_eq!(code(b"<Error/>"), None);
        assert!(!is_refusal("AccessDenied"));
    }
}
