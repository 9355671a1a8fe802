//! Storing of one body.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;

use super::{BlobFile, Content, Extent};

/// Body being stored. Dropped before [`finish`](Sink::finish), it leaves nothing.
#[derive(Debug)]
pub(crate) enum Sink {
    Memory(Vec<Extent>),
    File {
        blob: Arc<BlobFile>,
        file: File,
        len: u64,
    },
}

impl Sink {
    pub(crate) fn memory() -> Sink {
        Sink::Memory(Vec::new())
    }

    pub(crate) fn file((blob, file): (Arc<BlobFile>, File)) -> Sink {
        Sink::File { blob, file, len: 0 }
    }

    /// Appends bytes; blocks on a file store.
    pub(crate) fn push(&mut self, bytes: Bytes) -> io::Result<()> {
        match self {
            Sink::Memory(extents) => extents.push(Extent::Memory(bytes)),
            Sink::File { file, len, .. } => {
                file.write_all(&bytes)?;
                *len += bytes.len() as u64;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Content {
        match self {
            Sink::Memory(extents) => Content { extents },
            Sink::File { len: 0, .. } => Content::default(),
            Sink::File { blob, len, .. } => Content {
                extents: vec![Extent::File {
                    blob,
                    offset: 0,
                    len,
                }],
            },
        }
    }
}
