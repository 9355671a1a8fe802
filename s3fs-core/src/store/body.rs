//! Request and response bodies of a store.

use std::fmt;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use tracing::Span;

use crate::store::StoreError;

/// Body of an object or a part to upload. It can be sent again after a failure.
#[derive(Clone, Debug)]
pub enum Body {
    /// Bytes in memory.
    Memory(Bytes),
    /// Bytes of a local file.
    File {
        /// File; the bytes must not change while the body exists.
        file: Arc<File>,
        /// Offset of the first byte in the file.
        offset: u64,
        /// Number of bytes.
        length: u64,
    },
}

impl Body {
    /// Returns the length in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    /// Returns a path that opens the file again, with an offset of its own, though the file has no
    /// name. The path is valid while the body exists.
    pub(super) fn reopenable_path(file: &File) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }
}

/// Body of a response, received in pieces.
pub struct GetBody(Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>);

impl GetBody {
    /// Creates a body from a stream of pieces.
    pub fn new(pieces: impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static) -> Self {
        Self(Box::pin(pieces))
    }

    /// Returns the same body, polled inside a span; `see` is called for each piece.
    pub(super) fn observed(self, span: Span, see: impl Fn(&Bytes) + Send + 'static) -> Self {
        let mut pieces = self.0;
        Self::new(stream::poll_fn(move |context| {
            let polled = span.in_scope(|| pieces.as_mut().poll_next(context));
            if let Poll::Ready(Some(Ok(piece))) = &polled {
                see(piece);
            }
            polled
        }))
    }

    /// Returns the same body until `ended` resolves; its error is then the last item.
    pub(super) fn until(self, ended: impl Future<Output = StoreError> + Send + 'static) -> Self {
        let mut pieces = self.0;
        let mut ended = Some(Box::pin(ended));
        Self::new(stream::poll_fn(move |context| {
            let Some(end) = &mut ended else {
                return Poll::Ready(None);
            };
            let piece = pieces.as_mut().poll_next(context);
            if piece.is_pending()
                && let Poll::Ready(error) = end.as_mut().poll(context)
            {
                ended = None;
                return Poll::Ready(Some(Err(error)));
            }
            piece
        }))
    }

    /// Returns the next piece, or `None` at the end.
    ///
    /// # Errors
    /// Returns an error if the connection broke, or the server stopped before the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        self.0.next().await.transpose()
    }
}

impl fmt::Debug for GetBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GetBody")
    }
}
