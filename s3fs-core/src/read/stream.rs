//! Stream of reads: one access pattern with the parts that were fetched for it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::object::ByteRange;
use crate::read::access_pattern::{AccessPattern, Next};
use crate::read::fetch::{Fetch, Source};
use crate::read::limits::Limits;
use crate::read::pacing::StreamDemand;
use crate::read::part::Part;
use crate::read::window::Window;

/// Number of reads that start other streams before this one drops its parts.
const PASSED_OVER: u32 = 4;

/// Function that returns the beginning of a part that is not held elsewhere.
type Missing<'a> = &'a dyn Fn(ByteRange) -> Option<ByteRange>;

/// Answers to what is held besides a stream.
#[derive(Clone, Copy)]
pub struct Elsewhere<'a> {
    /// Returns the beginning of a part that no other stream and no whole-file fetch holds.
    pub unheld: Missing<'a>,
    /// Returns the beginning of a part that the kernel has not received.
    pub unread: Missing<'a>,
    /// True if the whole file is being fetched, or was.
    pub is_whole: bool,
}

impl Elsewhere<'_> {
    /// Returns the beginning of a part to fetch ahead that is held nowhere.
    fn missing(&self, part: ByteRange, pattern: &AccessPattern) -> Option<ByteRange> {
        let unheld = (self.unheld)(part)?;
        // A window that grows rather fetches pages that the kernel has than stop before them.
        if pattern.is_piece() || self.is_whole {
            (self.unread)(unheld)
        } else {
            Some(unheld)
        }
    }
}

/// Stream of reads that belong together, with the parts that are held for them.
#[derive(Debug)]
pub struct Stream {
    /// Access pattern: assigns reads to this stream and decides what to fetch.
    pub pattern: AccessPattern,
    /// Consecutive parts, in order.
    parts: VecDeque<Arc<Fetch>>,
    /// Number of streams that were started since this one was last read.
    passed_over: u32,
    demand: StreamDemand,
}

impl Stream {
    /// Creates a stream without parts.
    pub fn new(pattern: AccessPattern) -> Self {
        Self {
            pattern,
            parts: VecDeque::new(),
            passed_over: 0,
            demand: StreamDemand::default(),
        }
    }

    /// Creates the stream of a file that has just been opened, with the part that the open brought.
    pub fn from_the_beginning(first: Option<Arc<Fetch>>) -> Self {
        let mut stream = Self::new(AccessPattern::Forward(Window::from_the_beginning()));
        stream.parts.extend(first);
        stream
    }

    /// Returns the part that holds the byte at `offset`.
    pub fn holding(&self, offset: u64) -> Option<&Arc<Fetch>> {
        self.parts.iter().find(|fetch| fetch.part.holds(offset))
    }

    /// Returns the parts.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().map(|fetch| &*fetch.part)
    }

    /// Returns whether a read waits for a part of this stream.
    pub fn is_waited_for(&self) -> bool {
        self.parts.iter().any(|fetch| Arc::strong_count(fetch) > 1)
    }

    /// Returns whether this stream has all that the first stream of another handle would add.
    pub fn makes_up_for(&self, opened: &Self) -> bool {
        if opened.parts.is_empty() {
            ByteRange::at(0, 1).is_some_and(|first| self.pattern.includes(first))
        } else {
            self.holding(0).is_some()
        }
    }

    /// Records a read, starts to fetch ahead and drops what lies behind. Returns the part that holds
    /// the first byte of `wanted`.
    pub fn read(
        &mut self,
        wanted: ByteRange,
        source: &Arc<Source>,
        elsewhere: Elsewhere<'_>,
    ) -> Arc<Fetch> {
        self.passed_over = 0;
        let limits = source.supply.pacing.limits();
        // What happens to be here for other reads does not turn them aside.
        if self.pattern.includes(wanted) {
            self.pattern.observe(wanted, limits);
        }
        let fetch = match self.holding(wanted.start()) {
            Some(fetch) => Arc::clone(fetch),
            None => self.begin(wanted, source, limits, elsewhere),
        };
        self.advance(source, limits, elsewhere);
        if self.pattern.reads_ahead(source.size) {
            let arrival = fetch.part.arrival(wanted);
            source.supply.pacing.on_read(&mut self.demand, arrival);
        }
        fetch
    }

    /// Returns the bytes from a read of a piece to its first part, if nothing lies between: the
    /// kernel sends the requests of one read in any order.
    fn gap_before(&self, wanted: ByteRange) -> Option<ByteRange> {
        let first = self.parts.front()?.part.range();
        let is_next = self.pattern.is_piece() && first.start() <= wanted.end();
        let gap = ByteRange::new(wanted.start(), first.start())?;
        is_next.then_some(gap)
    }

    /// Starts a new sequence of parts at `wanted`. Parts are consecutive, so the others are
    /// dropped, unless they begin where `wanted` ends.
    fn begin(
        &mut self,
        wanted: ByteRange,
        source: &Arc<Source>,
        limits: Limits,
        elsewhere: Elsewhere<'_>,
    ) -> Arc<Fetch> {
        if let Some(gap) = self.gap_before(wanted) {
            let fetch = Fetch::start(source, gap, None);
            self.parts.push_front(Arc::clone(&fetch));
            return fetch;
        }
        self.parts.clear();
        let part = self.pattern.first(wanted, source.size, limits);
        // It holds all of `wanted`, which lies within the object.
        let part = part.unwrap_or(wanted);
        let mut part = (elsewhere.unheld)(part).unwrap_or(part);
        let mut grant = None;
        if self.pattern.is_piece()
            && let Some(ahead) = ByteRange::new(wanted.end(), part.end())
        {
            let end = (elsewhere.unread)(ahead).map_or(wanted.end(), ByteRange::end);
            let piece = ByteRange::new(wanted.start(), end).unwrap_or(part);
            // A prediction is worth no wait for memory.
            grant = source.supply.budget.try_take(piece.length());
            part = if grant.is_some() { piece } else { wanted };
        }
        let fetch = Fetch::start(source, part, grant);
        self.parts.push_back(Arc::clone(&fetch));
        fetch
    }

    fn advance(&mut self, source: &Arc<Source>, limits: Limits, elsewhere: Elsewhere<'_>) {
        self.drop_unwanted();
        while let Some(here) = self.here()
            && let Some(next) = self.pattern.next(&here, source.size, limits)
        {
            let part = match next {
                Next::Behind(part) => elsewhere.missing(part, &self.pattern),
                Next::Before(part) => Some(part),
            };
            let Some(part) = part else {
                return;
            };
            // Ahead of time, only with memory that nobody needs.
            let Some(grant) = source.supply.budget.try_take(part.length()) else {
                return;
            };
            let fetch = Fetch::start(source, part, Some(grant));
            match next {
                Next::Behind(_) => self.parts.push_back(fetch),
                Next::Before(_) => self.parts.push_front(fetch),
            }
        }
    }

    fn drop_unwanted(&mut self) {
        let wanted = self.pattern.wanted();
        let range = |fetch: &Arc<Fetch>| fetch.part.range();
        while self.parts.len() > 1
            && self
                .parts
                .front()
                .map(range)
                .is_some_and(|p| p.end() <= wanted.start)
        {
            self.parts.pop_front();
        }
        match self.pattern {
            // What lies before is behind the reads.
            AccessPattern::Forward(_) => {
                if let Some(first) = self.parts.front() {
                    first.part.drop_before(wanted.start);
                }
            }
            // What lies before is still to be read, and the first part may reach beyond the window.
            AccessPattern::Backward(_) => {
                while self.parts.len() > 1
                    && self
                        .parts
                        .back()
                        .map(range)
                        .is_some_and(|p| p.start() >= wanted.end)
                {
                    self.parts.pop_back();
                }
            }
        }
    }

    fn here(&self) -> Option<Range<u64>> {
        let first: ByteRange = self.parts.front()?.part.range();
        let last: ByteRange = self.parts.back()?.part.range();
        Some(first.start()..last.end())
    }

    /// Records that another stream was started, unless a read still waits for this one. Returns the
    /// parts that are no longer held.
    pub fn pass_over(&mut self) -> VecDeque<Arc<Fetch>> {
        if self.is_waited_for() {
            return VecDeque::new();
        }
        self.passed_over += 1;
        if self.passed_over == PASSED_OVER {
            self.pattern.give_up();
            return self.take_parts();
        }
        VecDeque::new()
    }

    /// Takes all parts out.
    pub fn take_parts(&mut self) -> VecDeque<Arc<Fetch>> {
        std::mem::take(&mut self.parts)
    }

    /// Drops a part that failed, and all after it; the next read that needs it fetches it again.
    pub fn forget(&mut self, fetch: &Arc<Fetch>) {
        if let Some(index) = self.parts.iter().position(|f| Arc::ptr_eq(f, fetch)) {
            // What follows would no longer be consecutive with what is fetched next.
            self.parts.truncate(index);
        }
    }

    /// Drops all parts.
    pub fn drop_parts(&mut self) {
        self.parts.clear();
    }
}
