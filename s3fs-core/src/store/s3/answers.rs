//! Size limit of responses: all but object bodies are held in memory.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// Maximum size of a page of a listing in bytes: 1000 keys of 1024 bytes, each byte encoded as
/// three, and the XML around them.
const LISTING: u64 = 8 << 20;

/// Maximum size of any other response in bytes, errors included.
const OTHER: u64 = 1 << 20;

/// Interceptor that limits the size of responses while they arrive.
#[derive(Debug)]
pub(super) struct BoundAnswers;

impl Intercept for BoundAnswers {
    fn name(&self) -> &'static str {
        "BoundAnswers"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or("", Metadata::name);
        let response = context.response_mut();
        let bound = match operation {
            // The body is streamed to its reader, not held in memory.
            "GetObject" if response.status().is_success() => return Ok(()),
            "ListObjectsV2" => LISTING,
            _ => OTHER,
        };
        let body = response.take_body();
        *response.body_mut() = SdkBody::from_body_1_x(Bounded {
            body,
            left: bound,
            bound,
        });
        Ok(())
    }
}

/// Body that fails beyond its limit.
struct Bounded {
    body: SdkBody,
    left: u64,
    bound: u64,
}

/// Text that identifies such a response among errors.
pub(super) const TOO_LARGE: &str = "the answer is larger than";

#[derive(Debug, thiserror::Error)]
#[error("{TOO_LARGE} {} MiB", .0 >> 20)]
struct TooLarge(u64);

impl Body for Bounded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx)?);
        if let Some(data) = frame.as_ref().and_then(Frame::data_ref) {
            match self.left.checked_sub(data.len() as u64) {
                Some(left) => self.left = left,
                None => return Poll::Ready(Some(Err(TooLarge(self.bound).into()))),
            }
        }
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.body)
    }
}
