//! Streams of an open file, the whole-file fetch beside them, and the bytes that the kernel has.

use std::sync::{Arc, Weak};

use crate::object::ByteRange;
use crate::read::access_pattern::AccessPattern;
use crate::read::coverage::Coverage;
use crate::read::fetch::{Fetch, Source};
use crate::read::part::{Part, missing};
use crate::read::runs::{self, Direction};
use crate::read::stream::{Elsewhere, Stream};
use crate::read::whole_fetch::{Owner, PartEnd, WholeFetch};

/// Maximum number of streams tracked per file. More programs than that at once, each of which reads
/// blocks, get a request for each of the kernel's.
const STREAMS: usize = 32;

/// State of an open file.
#[derive(Debug)]
pub struct Tracking {
    /// Streams of the file, the most recently read last.
    pub streams: Vec<Stream>,
    /// Whole-file fetch, if the file was read at random offsets and is not too large.
    pub whole: Option<WholeFetch>,
    /// Bytes that the kernel has received.
    pub coverage: Coverage,
}

impl Tracking {
    /// Creates the state of a file that has just been opened, with the part that the open brought.
    pub fn new(first: Option<Arc<Fetch>>) -> Self {
        Self {
            streams: vec![Stream::from_the_beginning(first)],
            whole: None,
            coverage: Coverage::default(),
        }
    }

    /// Takes over the streams of another handle, with the parts they hold. Drops a stream that adds
    /// nothing: it would take the place of one that is read.
    pub fn take_over(&mut self, mut streams: Vec<Stream>) {
        streams.retain(|stream| !self.streams.iter().any(|known| known.makes_up_for(stream)));
        while !self.streams.is_empty() && self.streams.len() + streams.len() > STREAMS {
            self.streams.remove(self.least_needed());
        }
        self.streams.append(&mut streams);
    }

    /// Returns the index of the stream that holds the byte at `offset`.
    pub fn holder_of(&self, offset: u64) -> Option<usize> {
        let holds = |stream: &Stream| stream.holding(offset).is_some();
        self.streams.iter().rposition(holds)
    }

    /// Returns the index of the stream to which a read belongs.
    pub fn stream_of(&self, wanted: ByteRange) -> Option<usize> {
        let includes = |stream: &Stream| stream.pattern.includes(wanted);
        self.streams.iter().rposition(includes)
    }

    /// Starts a stream for a read that belongs to none, and returns the part that holds its first
    /// byte. If the read is scattered, the rest of the file may be fetched beside it.
    pub fn jump(
        &mut self,
        wanted: ByteRange,
        source: &Arc<Source>,
        owner: &Weak<dyn Owner>,
    ) -> Arc<Fetch> {
        let credit = self.credit(wanted);
        let passed_over = self
            .streams
            .iter_mut()
            .flat_map(Stream::pass_over)
            .collect();
        self.adopt(passed_over, source, owner);
        let at = self.begin(wanted);
        let fetch = self.enter(at, wanted, source);
        if credit > 0 && self.whole.is_none() {
            self.whole = WholeFetch::of(source);
        }
        if let Some(whole) = &mut self.whole {
            whole.elsewhere(credit);
        }
        self.fetch_whole(source, owner);
        fetch
    }

    /// Continues a stream; returns the part that holds the first byte of `wanted`.
    pub fn enter(&mut self, at: usize, wanted: ByteRange, source: &Arc<Source>) -> Arc<Fetch> {
        let mut stream = self.streams.remove(at);
        let others = || self.streams.iter().flat_map(Stream::parts);
        let whole = || self.whole.iter().flat_map(WholeFetch::parts);
        let fetch = stream.read(
            wanted,
            source,
            Elsewhere {
                unheld: &|part| missing(part, others().chain(whole())),
                unread: &|part| self.coverage.missing(part),
                is_whole: self.whole.as_ref().is_some_and(WholeFetch::is_begun),
            },
        );
        self.streams.push(stream);
        fetch
    }

    /// Records the end of a part of the whole-file fetch, and starts the next ones.
    pub fn part_ended(
        &mut self,
        part: &Arc<Part>,
        end: PartEnd,
        source: &Arc<Source>,
        owner: &Weak<dyn Owner>,
    ) {
        if end == PartEnd::Stored {
            self.coverage.add(part.range());
        }
        if let Some(whole) = &mut self.whole {
            whole.ended(part, end);
        }
        self.fetch_whole(source, owner);
    }

    /// Starts the next parts of the whole-file fetch.
    fn fetch_whole(&mut self, source: &Arc<Source>, owner: &Weak<dyn Owner>) {
        while let Some(whole) = &mut self.whole
            && whole.is_due()
        {
            let mut held = self.coverage.clone();
            held.add_all(whole.started());
            let streams = self.streams.iter().flat_map(Stream::parts);
            streams
                .chain(whole.parts())
                .for_each(|part| held.add(part.range()));
            if !whole.go_on(&held, source, owner) {
                return;
            }
            // Once all else is there, the page cache takes what streams have left.
            let left = self
                .streams
                .iter_mut()
                .flat_map(Stream::take_parts)
                .collect();
            self.adopt(left, source, owner);
        }
    }

    /// Lets a whole-file fetch go on with parts of streams, as far as the kernel lacks bytes of them.
    fn adopt(&mut self, parts: Vec<Arc<Fetch>>, source: &Arc<Source>, owner: &Weak<dyn Owner>) {
        let Some(whole) = self.whole.as_mut().filter(|whole| whole.is_begun()) else {
            return;
        };
        for fetch in parts {
            let range = fetch.part.range();
            if let Some(lacking) = self.coverage.first_missing(range) {
                whole.adopt(fetch, lacking, source, owner);
            }
        }
    }

    fn credit(&self, wanted: ByteRange) -> u64 {
        let last = self.streams.last().and_then(|stream| stream.pattern.run());
        let Some(left) = last else {
            return 0;
        };
        let direction = if wanted.start() < left.start {
            Direction::Backward
        } else {
            Direction::Forward
        };
        runs::credit(left.end - left.start, direction, wanted.length())
    }

    fn begin(&mut self, wanted: ByteRange) -> usize {
        let last = self.streams.iter().rev();
        // A run that a read still waits for has not ended.
        let ended = last.clone().filter(|stream| !stream.is_waited_for());
        let runs = ended.filter_map(|stream| stream.pattern.run());
        let predicted = runs::predict(runs.map(|run| run.end - run.start));
        let patterns = last.map(|stream| &stream.pattern);
        let pattern = AccessPattern::begin(patterns, wanted, predicted);
        if self.streams.len() >= STREAMS {
            self.streams.remove(self.least_needed());
        }
        self.streams.push(Stream::new(pattern));
        self.streams.len() - 1
    }

    /// Returns the index of the stream to drop for another one.
    fn least_needed(&self) -> usize {
        let idle = self
            .streams
            .iter()
            .position(|stream| !stream.is_waited_for());
        idle.unwrap_or(0)
    }
}
