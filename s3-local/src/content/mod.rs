//! Content of objects and parts: lists of extents in memory or in files, shared instead of copied.

mod blob;
mod body;
mod sink;

pub(crate) use blob::BlobFile;
pub(crate) use body::{ObjectBody, read_all};
pub(crate) use sink::Sink;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

/// Byte range in the store.
#[derive(Clone, Debug)]
pub(crate) enum Extent {
    Memory(Bytes),
    File {
        blob: Arc<BlobFile>,
        offset: u64,
        len: u64,
    },
}

impl Extent {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Extent::Memory(bytes) => bytes.len() as u64,
            Extent::File { len, .. } => *len,
        }
    }

    fn slice(&self, range: Range<u64>) -> Extent {
        match self {
            Extent::Memory(bytes) => {
                // The range lies within `bytes`, whose length is a usize.
                let index = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
                Extent::Memory(bytes.slice(index(range.start)..index(range.end)))
            }
            Extent::File { blob, offset, .. } => Extent::File {
                blob: Arc::clone(blob),
                offset: offset + range.start,
                len: range.end - range.start,
            },
        }
    }
}

/// Bytes of an object or a part, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) extents: Vec<Extent>,
}

impl Content {
    pub(crate) fn len(&self) -> u64 {
        self.extents.iter().map(Extent::len).sum()
    }

    /// Returns the bytes of `range`, which must lie within the content; nothing is copied.
    pub(crate) fn slice(&self, range: Range<u64>) -> Content {
        let mut extents = Vec::new();
        let mut start = 0;
        for extent in &self.extents {
            let end = start + extent.len();
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                extents.push(extent.slice(from - start..to - start));
            }
            start = end;
        }
        Content { extents }
    }

    /// Adds a reference from the catalog to these bytes, as the content of an object or a part.
    pub(crate) fn adopt(&self) {
        for extent in &self.extents {
            if let Extent::File { blob, .. } = extent {
                blob.adopt();
            }
        }
    }

    /// Undoes one [`adopt`](Content::adopt). Unreferenced files are removed once their last reader is
    /// done.
    pub(crate) fn retire(&self) {
        for extent in &self.extents {
            if let Extent::File { blob, .. } = extent {
                blob.retire();
            }
        }
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Content {
        Content {
            extents: vec![Extent::Memory(bytes)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &Content) -> Vec<u8> {
        let mut bytes = Vec::new();
        for extent in &content.extents {
            match extent {
                Extent::Memory(part) => bytes.extend_from_slice(part),
                Extent::File { .. } => unreachable!("the tests use memory alone"),
            }
        }
        bytes
    }

    #[test]
    fn every_slice_of_several_extents_has_the_bytes_of_the_whole() {
        let parts = [&b"abc"[..], b"", b"d", b"efgh"];
        let extents = parts
            .map(|part| Extent::Memory(Bytes::from_static(part)))
            .to_vec();
        let content = Content { extents };
        let whole = read(&content);
        assert_eq!(content.len(), 8);
        for start in 0..=whole.len() {
            for end in start..=whole.len() {
                let slice = content.slice(start as u64..end as u64);
                assert_eq!(read(&slice), whole[start..end], "{start}..{end}");
            }
        }
    }
}
