//! Body of a response: unchanged, throttled, stalled, truncated, or with a wrong bit.

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
use crate::log::InProgress;
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
    /// Number of bytes before the one to change.
    changed: Option<u64>,
    /// Counted as in progress until the body is dropped.
    _request: InProgress,
}

struct Cut {
    remaining: u64,
    end: End,
}

enum End {
    Close(Option<Pin<Box<Sleep>>>),
    Silence,
    Pause(Duration, Option<Pin<Box<Sleep>>>),
}

/// Continuation of a body after its cut.
enum Next {
    Failure,
    Rest,
}

#[derive(Debug, thiserror::Error)]
#[error("the body is cut off here on request")]
struct CutOff;

impl ResponseBody {
    pub(super) fn new(
        inner: s3s::Body,
        knobs: Arc<Knobs>,
        fault: Option<Fault>,
        request: InProgress,
    ) -> ResponseBody {
        let cut = match fault {
            Some(Fault::TruncateBody(remaining)) => Some(Cut {
                remaining,
                end: End::Close(None),
            }),
            Some(Fault::StallBody(remaining)) => Some(Cut {
                remaining,
                end: End::Silence,
            }),
            Some(Fault::PauseBody(remaining, time)) => Some(Cut {
                remaining,
                end: End::Pause(time, None),
            }),
            _ => None,
        };
        let changed = match fault {
            Some(Fault::ChangeBit(offset)) => Some(offset),
            _ => None,
        };
        ResponseBody {
            inner,
            knobs,
            pending: Bytes::new(),
            pace: Pace::default(),
            cut,
            changed,
            _request: request,
        }
    }
}

impl Cut {
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        let (time, sleep, next) = match &mut self.end {
            End::Silence => return Poll::Pending,
            End::Close(sleep) => (FLUSH_TIME, sleep, Next::Failure),
            End::Pause(time, sleep) => (*time, sleep, Next::Rest),
        };
        let sleep = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(next)
    }
}

/// Changes a bit of the byte at an offset from the beginning of a piece. Returns the offset from its end
/// if the byte follows later.
fn with_changed_bit(piece: Bytes, offset: u64) -> (Bytes, Option<u64>) {
    let length = piece.len() as u64;
    let Some(at) = usize::try_from(offset).ok().filter(|_| offset < length) else {
        return (piece, Some(offset - length));
    };
    let mut bytes = piece.to_vec();
    bytes[at] ^= 1;
    (bytes.into(), None)
}

/// Joins two parts of a body that follow each other.
fn joined(first: Bytes, second: &Bytes) -> Bytes {
    if second.is_empty() {
        return first;
    }
    [first, second.clone()].concat().into()
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
            match ready!(cut.poll_end(cx)) {
                Next::Failure => return Poll::Ready(Some(Err(CutOff.into()))),
                Next::Rest => this.cut = None,
            }
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
        if let Some(offset) = this.changed.take() {
            (piece, this.changed) = with_changed_bit(piece, offset);
        }
        if let Some(cut) = &mut this.cut {
            let kept = usize::try_from(cut.remaining).unwrap_or(usize::MAX);
            let rest = piece.split_off(kept.min(piece.len()));
            cut.remaining -= piece.len() as u64;
            if matches!(cut.end, End::Pause(..)) && !rest.is_empty() {
                this.pending = joined(rest, &this.pending);
            }
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
