//! Responses that refuse the session of their requests.

use aws_sdk_s3::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::Sessions;
use crate::store::s3::identity::refuses_keys;

/// Header with the token of a session.
const TOKEN: &str = "x-amz-s3session-token";

/// Token of the session that a request was signed with.
#[derive(Clone)]
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Storable for Token {
    type Storer = StoreReplace<Self>;
}

/// Interceptor that drops sessions which were refused.
#[derive(Debug)]
pub(in crate::store::s3) struct WatchSessions(pub(in crate::store::s3) Sessions);

impl Intercept for WatchSessions {
    fn name(&self) -> &'static str {
        "WatchSessions"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(token) = context.request().headers().get(TOKEN) {
            let token = Token(token.to_owned());
            config.interceptor_state().store_put(token);
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if refuses_keys(context)
            && let Some(Token(token)) = config.load::<Token>()
        {
            self.0.refused(token);
        }
        Ok(())
    }
}
