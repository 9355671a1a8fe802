//! Account that must own the bucket, named with every request.

use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;

/// Interceptor that adds the account to each request. The server refuses the request if another
/// account owns the bucket.
#[derive(Debug)]
pub(super) struct ExpectedOwner(pub(super) String);

impl Intercept for ExpectedOwner {
    fn name(&self) -> &'static str {
        "ExpectedOwner"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        headers.try_insert("x-amz-expected-bucket-owner", self.0.clone())?;
        if headers.contains_key("x-amz-copy-source") {
            headers.try_insert("x-amz-source-expected-bucket-owner", self.0.clone())?;
        }
        Ok(())
    }
}
