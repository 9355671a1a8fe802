//! Body of a response: unchanged, throttled, or truncated.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use s3s::StdError;
use tokio::time::Sleep;

use super::pace::Pace;
use crate::{Fault, Knobs};

/// Time for the bytes before a cut to leave the server.
const FLUSH_TIME: Duration = Duration::from_millis(5);

/// Body of a response. Its headers announce the whole length, even if the body is cut.
pub(super) struct ResponseBody {
    inner: s3s::Body,
    knobs: Arc<Knobs>,
    pending: Bytes,
    pace: Pace,
    cut: Option<Cut>,
}

struct Cut {
    remaining: u64,
    end: End,
}

enum End {
    Close(Option<Pin<Box<Sleep>>>),
    Silence,
}

#[derive(Debug, thiserror::Error)]
#[error("the body is cut off here on request")]
struct CutOff;

impl ResponseBody {
    pub(super) fn new(inner: s3s::Body, knobs: Arc<Knobs>, fault: Option<Fault>) -> ResponseBody {
        let cut = match fault {
            Some(Fault::TruncateBody(remaining)) => Some(Cut {
                remaining,
                end: End::Close(None),
            }),
            Some(Fault::StallBody(remaining)) => Some(Cut {
                remaining,
                end: End::Silence,
            }),
            _ => None,
        };
        ResponseBody {
            inner,
            knobs,
            pending: Bytes::new(),
            pace: Pace::default(),
            cut,
        }
    }
}

impl Cut {
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<CutOff> {
        match &mut self.end {
            End::Silence => Poll::Pending,
            End::Close(flush) => {
                let sleep = || Box::pin(tokio::time::sleep(FLUSH_TIME));
                ready!(flush.get_or_insert_with(sleep).as_mut().poll(cx));
                Poll::Ready(CutOff)
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let this = &mut *self;
        if let Some(cut) = this.cut.as_mut().filter(|cut| cut.remaining == 0) {
            let cut_off = ready!(cut.poll_end(cx));
            return Poll::Ready(Some(Err(cut_off.into())));
        }
        if this.pending.is_empty() {
            let Some(frame) = ready!(Pin::new(&mut this.inner).poll_frame(cx)?) else {
                ready!(this.pace.poll_end(cx));
                return Poll::Ready(None);
            };
            match frame.into_data() {
                Ok(data) if data.is_empty() => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(data) => this.pending = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let bandwidth = this.knobs.bandwidth();
        let mut piece = ready!(this.pace.poll_piece(cx, &mut this.pending, bandwidth));
        if let Some(cut) = &mut this.cut {
            piece.truncate(usize::try_from(cut.remaining).unwrap_or(usize::MAX));
            cut.remaining -= piece.len() as u64;
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    // A limited or cut body is never over early; hyper would end it with the last piece.
    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.pending.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.inner.size_hint();
        if let Some(exact) = hint.exact() {
            hint.set_exact(exact + self.pending.len() as u64);
        }
        hint
    }
}
