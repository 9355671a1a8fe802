//! Bytes on their way to and from a store.

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

/// The bytes of an object or a part that is to be stored. Can be sent again after a failure.
#[derive(Clone, Debug)]
pub enum Body {
    /// In memory.
    Memory(Bytes),
    /// Bytes of a local file.
    File {
        /// The file; the bytes must not change while the body lives.
        file: Arc<File>,
        /// Where the first of them is.
        offset: u64,
        /// How many.
        length: u64,
    },
}

impl Body {
    /// How many bytes.
    pub fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }

    /// A path under which the file can be opened again, with an offset of its own, though it has
    /// no name. Good for as long as the body lives.
    pub(super) fn reopenable_path(file: &File) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }
}

/// The bytes of an object as they arrive.
pub struct GetBody(Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>);

impl GetBody {
    /// A body made of pieces.
    pub fn new(pieces: impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static) -> Self {
        Self(Box::pin(pieces))
    }

    /// The same, inside a span, where each piece is shown as it comes.
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

    /// The same until `ended`, which then is the last thing that comes.
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

    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// The connection broke or the server stopped before the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        self.0.next().await.transpose()
    }
}

impl fmt::Debug for GetBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GetBody")
    }
}
