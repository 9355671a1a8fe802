//! Interval map from a file's bytes to their sources, without I/O.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::object::ObjectRef;

/// Source of a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtentSource {
    /// Stage, at the same offset as in the file.
    Stage,
    /// Stored object.
    Object {
        /// Object that has the bytes.
        object: Arc<ObjectRef>,
        /// Offset of the first byte in the object.
        offset: u64,
    },
    /// No source: the bytes are zeros.
    Hole,
    /// Upload. The bytes can't be read until it is completed, and are lost if it is not.
    Sent,
}

impl ExtentSource {
    /// Returns the source of the bytes that follow `bytes` later.
    fn skip(&self, bytes: u64) -> Self {
        match self {
            Self::Object { object, offset } => Self::Object {
                object: Arc::clone(object),
                offset: offset + bytes,
            },
            other => other.clone(),
        }
    }
}

/// Range of a file with a single source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Range in the file; never empty.
    pub range: Range<u64>,
    /// Source of the bytes.
    pub source: ExtentSource,
}

impl Extent {
    /// Returns the length in bytes.
    pub fn length(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// Sources of all bytes of a file. Neighbours that continue in the same source are one extent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extents {
    /// Sources by start offset. Each ends where the next starts, the last at the end of the file.
    starts: BTreeMap<u64, ExtentSource>,
    length: u64,
}

impl Extents {
    /// Creates the extents of a file whose content is this object.
    pub fn of(object: Arc<ObjectRef>) -> Self {
        let mut extents = Self::default();
        let all = 0..object.size;
        extents.set(all, ExtentSource::Object { object, offset: 0 });
        extents
    }

    /// Returns the file's size in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Sets the source of a range. If it starts beyond the end of the file, a hole fills the gap.
    pub fn set(&mut self, range: Range<u64>, source: ExtentSource) {
        if range.is_empty() {
            return;
        }
        if range.start > self.length {
            self.set(self.length..range.start, ExtentSource::Hole);
        }
        self.split_at(range.start);
        self.split_at(range.end);
        let within = self.starts.range(range.clone()).map(|(start, _)| *start);
        for start in within.collect::<Vec<_>>() {
            self.starts.remove(&start);
        }
        self.starts.insert(range.start, source);
        self.length = self.length.max(range.end);
        self.join_at(range.start);
        self.join_at(range.end);
    }

    /// Truncates the file, or extends it by a hole.
    pub fn resize(&mut self, length: u64) {
        if length > self.length {
            self.set(self.length..length, ExtentSource::Hole);
        } else {
            self.starts.split_off(&length);
            self.length = length;
        }
    }

    /// Replaces references to one version of an object by references to another with the same
    /// bytes.
    pub fn replace(&mut self, from: &ObjectRef, to: &Arc<ObjectRef>) {
        for source in self.starts.values_mut() {
            if let ExtentSource::Object { object, .. } = source
                && object.is(from)
            {
                *object = Arc::clone(to);
            }
        }
    }

    /// Returns all extents, in order.
    pub fn all(&self) -> impl Iterator<Item = Extent> + '_ {
        self.within(0..self.length)
    }

    /// Returns the extents of a range, in order, cut off at its ends and at the end of the file.
    pub fn within(&self, range: Range<u64>) -> impl Iterator<Item = Extent> + '_ {
        let end = range.end.min(self.length);
        let first = self.starts.range(..=range.start).next_back();
        let from = first.map_or(0, |(start, _)| *start);
        let mut starts = self.starts.range(from..end.max(from)).peekable();
        std::iter::from_fn(move || {
            let (begins, source) = starts.next()?;
            let start = (*begins).max(range.start);
            let ends = starts.peek().map_or(end, |(next, _)| **next);
            let source = source.skip(start - begins);
            (start < ends).then_some(Extent {
                range: start..ends,
                source,
            })
        })
    }

    /// Returns how many bytes of a range are in the stage.
    pub fn staged(&self, range: Range<u64>) -> u64 {
        let staged = self
            .within(range)
            .filter(|e| e.source == ExtentSource::Stage);
        staged.map(|extent| extent.length()).sum()
    }

    /// Returns whether bytes of a range are with an upload.
    pub fn has_sent(&self, range: Range<u64>) -> bool {
        self.within(range).any(|e| e.source == ExtentSource::Sent)
    }

    /// Returns whether some bytes have a stored object as their source.
    pub fn has_objects(&self) -> bool {
        let mut sources = self.starts.values();
        sources.any(|source| matches!(source, ExtentSource::Object { .. }))
    }

    /// Returns the object whose content the whole file is, if there is one.
    pub fn whole_object(&self) -> Option<&Arc<ObjectRef>> {
        match self.starts.first_key_value()? {
            (_, ExtentSource::Object { object, offset: 0 })
                if self.starts.len() == 1 && object.size == self.length =>
            {
                Some(object)
            }
            _ => None,
        }
    }

    /// Splits the extent that contains `at`, if there is one, so that an extent starts there.
    fn split_at(&mut self, at: u64) {
        if at >= self.length {
            return;
        }
        if let Some((start, source)) = self.starts.range(..at).next_back()
            && !self.starts.contains_key(&at)
        {
            let rest = source.skip(at - start);
            self.starts.insert(at, rest);
        }
    }

    /// Merges the extent that starts at `at` into the one before it, if it continues in the same
    /// source.
    fn join_at(&mut self, at: u64) {
        if let Some((start, before)) = self.starts.range(..at).next_back()
            && self.starts.get(&at) == Some(&before.skip(at - start))
        {
            self.starts.remove(&at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::object::{ETag, Key};

    fn object(name: u64) -> Arc<ObjectRef> {
        Arc::new(ObjectRef {
            key: Key::new(format!("{name}")),
            etag: ETag::new("v"),
            size: 100,
        })
    }

    #[derive(Clone, Debug)]
    enum Op {
        Set(u64, u64, ExtentSource),
        Resize(u64),
        Replace(u64, u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        let source = prop_oneof![
            Just(ExtentSource::Stage),
            Just(ExtentSource::Hole),
            Just(ExtentSource::Sent),
            (0..3u64, 0..40u64).prop_map(|(name, offset)| ExtentSource::Object {
                object: object(name),
                offset
            }),
        ];
        prop_oneof![
            8 => (0..100u64, 0..40u64, source).prop_map(|(at, n, source)| Op::Set(at, n, source)),
            2 => (0..120u64).prop_map(Op::Resize),
            1 => (0..3u64, 0..3u64).prop_map(|(from, to)| Op::Replace(from, to)),
        ]
    }

    fn apply(bytes: &mut Vec<ExtentSource>, op: &Op) {
        match op {
            Op::Set(at, n, source) if *n > 0 => {
                let (at, end) = (*at as usize, (at + n) as usize);
                bytes.resize(bytes.len().max(end), ExtentSource::Hole);
                for (i, byte) in bytes[at..end].iter_mut().enumerate() {
                    *byte = source.skip(i as u64);
                }
            }
            Op::Set(..) => {}
            Op::Resize(length) => bytes.resize(*length as usize, ExtentSource::Hole),
            Op::Replace(from, to) => {
                for byte in bytes {
                    if let ExtentSource::Object { object: of, .. } = byte
                        && *of == object(*from)
                    {
                        *of = object(*to);
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_an_array_of_sources(
            ops in proptest::collection::vec(op(), 0..40),
            (from, to) in (0..120u64, 0..140u64),
        ) {
            let mut extents = Extents::default();
            let mut bytes = Vec::new();
            for op in &ops {
                match op {
                    Op::Set(at, n, source) => extents.set(*at..at + n, source.clone()),
                    Op::Resize(length) => extents.resize(*length),
                    Op::Replace(from, to) => extents.replace(&object(*from), &object(*to)),
                }
                apply(&mut bytes, op);
            }
            prop_assert_eq!(extents.length(), bytes.len() as u64);
            let mut at = from.min(extents.length());
            for extent in extents.within(from..to) {
                prop_assert_eq!(extent.range.start, at);
                for i in 0..extent.length() {
                    let byte = &bytes[(at + i) as usize];
                    prop_assert_eq!(&extent.source.skip(i), byte);
                }
                at = extent.range.end;
            }
            prop_assert_eq!(at, to.min(extents.length()).max(from.min(extents.length())));
        }

        #[test]
        fn neighbours_that_go_on_are_one(ops in proptest::collection::vec(op(), 0..40)) {
            let mut extents = Extents::default();
            for op in ops {
                if let Op::Set(at, n, source) = op {
                    extents.set(at..at + n, source);
                }
            }
            let all: Vec<_> = extents.all().collect();
            for pair in all.windows(2) {
                prop_assert_ne!(&pair[0].source.skip(pair[0].length()), &pair[1].source);
            }
        }
    }

    #[test]
    fn a_file_is_one_object_only_from_its_first_byte_to_its_last() {
        let whole = Extents::of(object(1));
        assert_eq!(whole.whole_object(), Some(&object(1)));
        let mut cut = whole.clone();
        cut.resize(99);
        assert_eq!(cut.whole_object(), None);
        let mut longer = whole.clone();
        longer.resize(101);
        assert_eq!(longer.whole_object(), None);
        let mut mended = cut;
        let object = object(1);
        mended.set(99..100, ExtentSource::Object { object, offset: 99 });
        assert!(mended.whole_object().is_some(), "put together again");
        assert_eq!(Extents::default().whole_object(), None);
    }
}
