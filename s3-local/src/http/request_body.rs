//! Body of a request as received.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::pace::Pace;
use crate::Knobs;

/// Maximum number of bytes read of an unused body, so that its sender gets to read the response.
const DRAIN_LIMIT: u64 = 64 * 1024 * 1024;

/// Body of a request, throttled to the knobs' bandwidth.
///
/// Dropping it before its end, as after an early error, reads and discards the rest. Otherwise, closing
/// the connection on a client that still sends would show it a reset instead of the response.
pub(super) struct RequestBody {
    /// Taken when the body is dropped.
    incoming: Option<Incoming>,
    knobs: Arc<Knobs>,
    pending: Bytes,
    pace: Pace,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, knobs: Arc<Knobs>) -> RequestBody {
        let (pending, pace) = (Bytes::new(), Pace::default());
        RequestBody {
            incoming: Some(incoming),
            knobs,
            pending,
            pace,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        if this.pending.is_empty() {
            let Some(incoming) = &mut this.incoming else {
                return Poll::Ready(None);
            };
            let frame = match ready!(Pin::new(incoming).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                None => {
                    ready!(this.pace.poll_end(cx));
                    return Poll::Ready(None);
                }
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) if data.is_empty() => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(data) => this.pending = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let bandwidth = this.knobs.bandwidth();
        let piece = ready!(this.pace.poll_piece(cx, &mut this.pending, bandwidth));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pending.is_empty() && self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self
            .incoming
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint);
        if let Some(exact) = hint.exact() {
            hint.set_exact(exact + self.pending.len() as u64);
        }
        hint
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(incoming) = self
            .incoming
            .take()
            .filter(|incoming| !incoming.is_end_stream())
        else {
            return;
        };
        // Without a runtime the server is going away, and the connection with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(drain(incoming));
        }
    }
}

async fn drain(mut incoming: Incoming) {
    let mut drained = 0;
    while let Some(Ok(frame)) = incoming.frame().await {
        drained += frame.data_ref().map_or(0, |data| data.len() as u64);
        if drained > DRAIN_LIMIT {
            return;
        }
    }
}
