//! A body without an end.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use s3s::StdError;

static SPACES: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// Endless sequence of spaces, as fast as the client reads them.
pub(super) struct EndlessBody;

impl Body for EndlessBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&SPACES)))))
    }
}
