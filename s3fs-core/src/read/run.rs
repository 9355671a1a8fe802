//! Run of reads: one access pattern with the parts that were fetched for it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::object::ByteRange;
use crate::read::course::{Course, Next};
use crate::read::fetch::{Fetch, Source};
use crate::read::part::Part;
use crate::read::window::Window;

/// Number of reads that start other runs before this one drops its parts.
const PASSED_OVER: u32 = 4;

/// Function that returns the beginning of a part that is not held elsewhere.
type Missing<'a> = &'a dyn Fn(ByteRange) -> Option<ByteRange>;

/// Run of reads that belong together, with the parts that are held for them.
#[derive(Debug)]
pub struct Run {
    /// Access pattern: assigns reads to this run and decides what to fetch.
    pub course: Course,
    /// Consecutive parts, in order.
    parts: VecDeque<Arc<Fetch>>,
    /// Number of runs that were started since this one was last read.
    passed_over: u32,
}

impl Run {
    /// Creates a run without parts.
    pub fn new(course: Course) -> Self {
        Self {
            course,
            parts: VecDeque::new(),
            passed_over: 0,
        }
    }

    /// Creates the run of a file that has just been opened, with the part that the open brought.
    pub fn from_the_beginning(first: Option<Arc<Fetch>>) -> Self {
        let mut run = Self::new(Course::Forward(Window::from_the_beginning()));
        run.parts.extend(first);
        run
    }

    /// Returns the part that holds the byte at `offset`.
    pub fn holding(&self, offset: u64) -> Option<&Arc<Fetch>> {
        self.parts.iter().find(|fetch| fetch.part.holds(offset))
    }

    /// Returns the parts.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().map(|fetch| &*fetch.part)
    }

    /// Returns whether this run has all that the first run of another handle would add.
    pub fn makes_up_for(&self, opened: &Self) -> bool {
        if opened.parts.is_empty() {
            ByteRange::at(0, 1).is_some_and(|first| self.course.includes(first))
        } else {
            self.holding(0).is_some()
        }
    }

    /// Records a read, starts to fetch ahead and drops what lies behind. `missing` returns the
    /// beginning of a part that nothing else holds. Returns the part that holds the first byte of
    /// `wanted`.
    pub fn read(
        &mut self,
        wanted: ByteRange,
        source: &Arc<Source>,
        missing: Missing<'_>,
    ) -> Arc<Fetch> {
        self.passed_over = 0;
        // What happens to be here for other reads does not turn them aside.
        if self.course.includes(wanted) {
            self.course.observe(wanted);
        }
        let fetch = match self.holding(wanted.start()) {
            Some(fetch) => Arc::clone(fetch),
            None => self.begin(wanted, source, missing),
        };
        self.advance(source, missing);
        fetch
    }

    /// Starts a new sequence of parts at `wanted`. Parts are consecutive, so the others are
    /// dropped.
    fn begin(
        &mut self,
        wanted: ByteRange,
        source: &Arc<Source>,
        missing: Missing<'_>,
    ) -> Arc<Fetch> {
        self.parts.clear();
        let part = self.course.first(wanted, source.size);
        // It holds all of `wanted`, which lies within the object.
        let part = part.unwrap_or(wanted);
        let part = missing(part).unwrap_or(part);
        let fetch = Fetch::start(source, part, None);
        self.parts.push_back(Arc::clone(&fetch));
        fetch
    }

    fn advance(&mut self, source: &Arc<Source>, missing: Missing<'_>) {
        self.drop_unwanted();
        while let Some(here) = self.here()
            && let Some(next) = self.course.next(&here, source.size)
        {
            let part = match next {
                Next::Behind(part) => missing(part),
                Next::Before(part) => Some(part),
            };
            let Some(part) = part else {
                return;
            };
            // Ahead of time, only with memory that nobody needs.
            let Some(grant) = source.budget.try_take(part.length()) else {
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
        let wanted = self.course.wanted();
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
        match self.course {
            // What lies before is behind the reads.
            Course::Forward(_) => {
                if let Some(first) = self.parts.front() {
                    first.part.drop_before(wanted.start);
                }
            }
            // What lies before is still to be read, and the first part may reach beyond the window.
            Course::Backward(_) => {
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

    /// Records that another run was started.
    pub fn pass_over(&mut self) {
        self.passed_over += 1;
        if self.passed_over == PASSED_OVER {
            self.course.give_up();
            self.parts.clear();
        }
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
