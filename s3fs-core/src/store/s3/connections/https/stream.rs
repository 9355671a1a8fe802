//! Streams below and above TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;

/// Size of the blocks in which a socket is read, in bytes: four records of TLS.
const BLOCK: usize = 64 * 1024;

/// Socket that is read in blocks of [`BLOCK`] bytes, however few are asked for.
#[derive(Debug)]
pub(super) struct Buffered(BufReader<TcpStream>);

impl Buffered {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self(BufReader::with_capacity(BLOCK, socket))
    }
}

impl Connection for Buffered {
    fn connected(&self) -> Connected {
        self.0.get_ref().connected()
    }
}

impl AsyncRead for Buffered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

/// Stream that a read fills as far as there are bytes: a stream of TLS returns one record at a time.
#[derive(Debug)]
pub(super) struct Filled<S>(pub(super) S);

impl<S: Connection> Connection for Filled<S> {
    fn connected(&self) -> Connected {
        self.0.connected()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Filled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            let had = buffer.filled().len();
            let read = Pin::new(&mut self.0).poll_read(cx, buffer);
            let has_more = buffer.filled().len() > had && buffer.remaining() > 0;
            match read {
                Poll::Ready(Ok(())) if has_more => {}
                Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
                // The next read gives the error again, or waits.
                _ if had > before => return Poll::Ready(Ok(())),
                other => return other,
            }
        }
    }
}

/// Implements writing by the stream within.
macro_rules! write_through {
    ($stream:ty $(, $generic:ident)?) => {
        impl $(<$generic: AsyncWrite + Unpin>)? AsyncWrite for $stream {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.0).poll_write(cx, bytes)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.0).poll_write_vectored(cx, slices)
            }

            fn is_write_vectored(&self) -> bool {
                self.0.is_write_vectored()
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut self.0).poll_flush(cx)
            }

            fn poll_shutdown(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                Pin::new(&mut self.0).poll_shutdown(cx)
            }
        }
    };
}

write_through!(Buffered);
write_through!(Filled<S>, S);

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio_util::io::StreamReader;

    use super::*;

    #[tokio::test]
    async fn a_read_takes_all_pieces_that_are_there() {
        let pieces = [&b"abc"[..], b"de", b"", b"f"].map(Ok::<_, io::Error>);
        let mut stream = Filled(StreamReader::new(futures_util::stream::iter(pieces)));
        let mut buffer = [0; 4];
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 4);
        assert_eq!(&buffer, b"abcd");
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 2);
        assert_eq!(&buffer[..2], b"ef");
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn an_error_comes_after_the_bytes_before_it() {
        let pieces = [
            Ok(&b"ab"[..]),
            Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        ];
        let pieces = futures_util::stream::iter(pieces);
        // A socket gives its error again; this stream gives it once, so that reads come one by one.
        let mut stream = Filled(StreamReader::new(pieces));
        let mut buffer = [0; 2];
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 2);
        let error = stream.read(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
