//! Reading of content, as a stream for a response or all at once.

use std::collections::VecDeque;
use std::fs::File;
use std::future::Future as _;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use s3s::StdError;
use s3s::stream::{ByteStream, RemainingLength};
use tokio::task::JoinHandle;

use super::{Content, Extent};

/// Bytes of one read of a file. Large enough that a read costs little beside its copy, small enough that
/// two of them stay in the processor's cache.
const READ_SIZE: u64 = 1024 * 1024;

/// Content of a response. Extents in memory are passed on whole. While one piece of a file is sent, the
/// next one is read.
pub(crate) struct ObjectBody {
    extents: VecDeque<Extent>,
    remaining: u64,
    reading: Option<JoinHandle<io::Result<(FileReader, Bytes)>>>,
}

struct FileReader {
    file: File,
    remaining: u64,
}

impl FileReader {
    fn open(extent: &Extent) -> io::Result<Option<FileReader>> {
        let Extent::File { blob, offset, len } = extent else {
            return Ok(None);
        };
        let mut file = blob.open()?;
        file.seek(SeekFrom::Start(*offset))?;
        Ok(Some(FileReader {
            file,
            remaining: *len,
        }))
    }

    fn read(mut self) -> io::Result<(FileReader, Bytes)> {
        let size = self.remaining.min(READ_SIZE);
        let mut buffer = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        if (&self.file).take(size).read_to_end(&mut buffer)? as u64 != size {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a body's file is short",
            ));
        }
        self.remaining -= size;
        Ok((self, buffer.into()))
    }
}

impl ObjectBody {
    pub(crate) fn new(content: Content) -> ObjectBody {
        let remaining = content.len();
        ObjectBody {
            extents: content.extents.into(),
            remaining,
            reading: None,
        }
    }

    fn start_reading(&mut self, reader: FileReader) {
        self.reading = Some(tokio::task::spawn_blocking(move || reader.read()));
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if let Some(reading) = &mut self.reading {
                let done = ready!(Pin::new(reading).poll(cx));
                self.reading = None;
                let (reader, bytes) = done.map_err(io::Error::other).flatten()?;
                if reader.remaining > 0 {
                    self.start_reading(reader);
                }
                return Poll::Ready(Some(Ok(bytes)));
            }
            match self.extents.pop_front() {
                None => return Poll::Ready(None),
                Some(Extent::Memory(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                // Opening a file of the page cache's metadata is too quick to hand to a thread.
                Some(extent) => {
                    if let Some(reader) = FileReader::open(&extent)? {
                        self.start_reading(reader);
                    }
                }
            }
        }
    }
}

impl Stream for ObjectBody {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.poll_bytes(cx));
        if let Some(Ok(bytes)) = &next {
            self.remaining -= bytes.len() as u64;
        }
        Poll::Ready(next.map(|result| result.map_err(StdError::from)))
    }
}

impl ByteStream for ObjectBody {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(usize::try_from(self.remaining).unwrap_or(usize::MAX))
    }
}

/// Passes all of the content to `take`, a piece at a time; blocks on a file store.
pub(crate) fn read_all(content: &Content, mut take: impl FnMut(Bytes)) -> io::Result<()> {
    for extent in &content.extents {
        if let Extent::Memory(bytes) = extent {
            take(bytes.clone());
        } else if let Some(mut reader) = FileReader::open(extent)? {
            while reader.remaining > 0 {
                let bytes;
                (reader, bytes) = reader.read()?;
                take(bytes);
            }
        }
    }
    Ok(())
}
