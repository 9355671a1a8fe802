//! Responses that refuse the credentials of their requests.

use aws_sdk_s3::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

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

impl Storable for KeyHash {
    type Storer = StoreReplace<Self>;
}

/// Interceptor that tells an identity which keys were refused.
#[derive(Debug)]
pub(in crate::store::s3) struct WatchRefusals(pub(in crate::store::s3) Identity);

impl Intercept for WatchRefusals {
    fn name(&self) -> &'static str {
        "WatchRefusals"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request().headers();
        let token = headers.get("x-amz-security-token");
        if let Some(id) = headers.get("authorization").and_then(signing_key) {
            let keys = KeyHash::new(id, token);
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
        if let (true, Some(keys)) = (refuses_keys(context), config.load::<KeyHash>()) {
            self.0.refused(*keys);
        }
        Ok(())
    }
}

/// Returns whether a response refuses the keys of its request.
pub(in crate::store::s3) fn refuses_keys(context: &FinalizerInterceptorContextRef<'_>) -> bool {
    let has_failed = context
        .output_or_error()
        .is_some_and(|answer| answer.is_err());
    let body = context.response().and_then(|answer| answer.body().bytes());
    has_failed && body.and_then(code).is_some_and(is_refusal)
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
