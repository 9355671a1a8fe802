//! Request and response bodies of a store.

use std::fmt;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use tokio::sync::OwnedSemaphorePermit;
use tracing::Span;

use crate::end::Sending;
use crate::store::StoreError;

/// Body of an object or a part to upload. It can be sent again after a failure.
#[derive(Clone, Debug)]
pub struct Body {
    pub(super) content: Content,
    /// Count of its progress, if somebody wants to know.
    pub(super) sending: Option<Sending>,
}

/// Content of a body.
#[derive(Clone, Debug)]
pub enum Content {
    /// Bytes in memory.
    Memory(Bytes),
    /// Bytes of a local file.
    File {
        /// File.
        file: Arc<File>,
        /// Offset of the first byte in the file.
        offset: u64,
        /// Number of bytes.
        length: u64,
    },
}

impl Body {
    /// Creates a body of bytes in memory.
    pub fn memory(bytes: Bytes) -> Self {
        Self {
            content: Content::Memory(bytes),
            sending: None,
        }
    }

    /// Creates a body of `length` bytes of a file, which must not change while the body exists.
    pub fn file(file: Arc<File>, offset: u64, length: u64) -> Self {
        let content = Content::File {
            file,
            offset,
            length,
        };
        let sending = None;
        Self { content, sending }
    }

    /// Returns the length in bytes.
    pub fn length(&self) -> u64 {
        match &self.content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File { length, .. } => *length,
        }
    }

    /// Returns the content.
    #[cfg(test)]
    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// Records that an attempt has sent this many bytes.
    #[cfg(test)]
    pub(crate) fn sent(&self, bytes: u64) {
        if let Some(sending) = &self.sending {
            sending.reached(bytes);
        }
    }

    /// Returns the same body, whose progress is counted.
    pub(super) fn counted(self, sending: Sending) -> Self {
        Self {
            sending: Some(sending),
            ..self
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

    /// Returns the same body; `see` is called for each piece.
    pub(super) fn seen(self, see: impl Fn() + Send + 'static) -> Self {
        Self::new(self.0.inspect_ok(move |_| see()))
    }

    /// Returns the same body, which holds a permit until its end.
    pub(super) fn holding(self, permit: Option<OwnedSemaphorePermit>) -> Self {
        if permit.is_none() {
            return self;
        }
        let (mut pieces, mut permit) = (self.0, permit);
        Self::new(stream::poll_fn(move |context| {
            let piece = pieces.as_mut().poll_next(context);
            if matches!(piece, Poll::Ready(None | Some(Err(_)))) {
                drop(permit.take());
            }
            piece
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
