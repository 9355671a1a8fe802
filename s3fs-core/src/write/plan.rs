//! Plan of the requests that store a changed file, without I/O.
//!
//! Changed ranges are sent; unchanged ones are copied by the server from where they are stored. So
//! are holes, if some stored object is known to have a run of zeros. A part has at least 5 MiB, so a
//! smaller change also sends some stored bytes behind it, which are fetched.

use std::ops::Range;
use std::sync::Arc;

use crate::object::ObjectRef;
use crate::write::extents::{ExtentSource, Extents};
use crate::write::sizes::PartSizes;
use crate::write::zeros::ZeroRun;

/// Way to store a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Single request with all bytes.
    Put,
    /// Copy of this object.
    Copy(Arc<ObjectRef>),
    /// Multipart upload.
    Parts(Vec<PlannedPart>),
}

/// Part of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedPart {
    /// Range of the file to send, from any source.
    Send(Range<u64>),
    /// Range of an object to copy on the server.
    Copy {
        /// Object to copy from.
        object: Arc<ObjectRef>,
        /// Range in the object.
        range: Range<u64>,
    },
    /// Hole to copy on the server from zeros of a stored object.
    CopyZeros {
        /// Range of the hole in the file.
        range: Range<u64>,
        /// Zeros of the same length.
        from: ZeroRun,
    },
}

impl PlannedPart {
    /// Returns the length in bytes.
    pub fn length(&self) -> u64 {
        let (Self::Send(range) | Self::Copy { range, .. } | Self::CopyZeros { range, .. }) = self;
        range.end - range.start
    }
}

/// Plans how to store a file with these extents, none of which may be with an upload. `may_copy`
/// tells whether the store may use a copy, which checks no precondition. Holes are copied from
/// `zeros`.
pub fn plan(extents: &Extents, sizes: PartSizes, may_copy: bool, zeros: Option<&ZeroRun>) -> Plan {
    match extents.whole_object() {
        Some(object) if may_copy && object.size <= sizes.max() => Plan::Copy(Arc::clone(object)),
        None if extents.length() <= sizes.first() => Plan::Put,
        // A small object too is one part, copied: a PUT would have to fetch it.
        _ => Plan::Parts(parts(extents, sizes, zeros)),
    }
}

/// Returns the number of bytes of holes that these parts of a file send. Holes of less than `min`
/// bytes do not count: nothing can be copied from or to them.
pub fn zeros_sent(extents: &Extents, parts: &[PlannedPart], min: u64) -> u64 {
    let holes = extents
        .all()
        .filter(|extent| extent.source == ExtentSource::Hole && extent.length() >= min);
    let mut holes = holes.map(|extent| extent.range).peekable();
    let mut sent = 0;
    for part in parts {
        let PlannedPart::Send(range) = part else {
            continue;
        };
        while holes.next_if(|hole| hole.end <= range.start).is_some() {}
        while let Some(hole) = holes.peek()
            && hole.start < range.end
        {
            sent += hole.end.min(range.end) - hole.start.max(range.start);
            if hole.end > range.end {
                break;
            }
            holes.next();
        }
    }
    sent
}

/// Plans how to copy a whole object into parts of another.
pub fn copies(object: &Arc<ObjectRef>, sizes: PartSizes) -> Vec<PlannedPart> {
    parts(&Extents::of(Arc::clone(object)), sizes, None)
}

fn parts(extents: &Extents, sizes: PartSizes, zeros: Option<&ZeroRun>) -> Vec<PlannedPart> {
    let cuts = if sizes.wants_even_parts() && !extents.has_objects() {
        ZeroCuts::Even
    } else {
        ZeroCuts::Longest
    };
    let mut grains = grains(sizes).map(|grain| with_grain(extents, (grain, cuts), zeros));
    let mut parts = grains.next().unwrap_or_default();
    while parts.len() > sizes.most()
        && let Some(coarser) = grains.next()
    {
        parts = coarser;
    }
    parts
}

/// Granularity at which a file is cut into parts.
#[derive(Clone, Copy, Debug)]
struct Grain {
    /// Smallest part, in bytes, except for the last one.
    min: u64,
    /// Size of the parts that are sent, in bytes.
    send: u64,
    /// Largest part that is copied, in bytes.
    copy: u64,
}

/// Way to cut copied zeros into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ZeroCuts {
    /// As few parts as possible.
    Longest,
    /// Parts of the size of those that are sent, at multiples of it.
    Even,
}

/// Returns grains from the finest to the coarsest. Sizes that cause no extra fetches grow first.
fn grains(sizes: PartSizes) -> impl Iterator<Item = Grain> {
    (0..14u32).map(move |step| {
        let (larger, fetched) = (step.min(7), step.saturating_sub(7));
        let min = sizes.min() << fetched;
        Grain {
            min,
            send: (sizes.first() << larger).max(min),
            copy: (sizes.copy() << larger).min(sizes.max()),
        }
    })
}

fn with_grain(
    extents: &Extents,
    (grain, cuts): (Grain, ZeroCuts),
    zeros: Option<&ZeroRun>,
) -> Vec<PlannedPart> {
    // A shorter run would make more parts than sending.
    let zeros = zeros.filter(|run| run.length() >= grain.send);
    let mut draft = Draft {
        parts: Vec::new(),
        planned: 0,
        grain,
    };
    for extent in extents.all() {
        let is_last = extent.range.end == extents.length();
        match (extent.source, zeros) {
            (ExtentSource::Object { object, offset }, _) => {
                draft.copy(extent.range, &object, offset, is_last);
            }
            (ExtentSource::Hole, Some(zeros)) if cuts == ZeroCuts::Even => {
                draft.copy_even_zeros(extent.range, zeros, is_last);
            }
            (ExtentSource::Hole, Some(zeros)) => draft.copy_zeros(extent.range, zeros, is_last),
            (ExtentSource::Hole | ExtentSource::Stage | ExtentSource::Sent, _) => {}
        }
    }
    draft.send(extents.length());
    draft.parts
}

struct Draft {
    parts: Vec<PlannedPart>,
    /// End offset of the bytes that the parts cover.
    planned: u64,
    grain: Grain,
}

impl Draft {
    /// Returns the start of the copies of a range: some bytes fill the part before it. Returns
    /// `None` if too few bytes remain.
    fn start_of_copies(&self, range: &Range<u64>, is_last: bool) -> Option<u64> {
        let lacking = match range.start - self.planned {
            0 => 0,
            before => self.grain.min.saturating_sub(before),
        };
        let from = (range.start + lacking).min(range.end);
        let rest = range.end - from;
        (rest >= self.grain.min || is_last && rest > 0).then_some(from)
    }

    /// Plans copies of a stored range, less the bytes needed to fill the part before it. Plans none
    /// if too few bytes remain.
    fn copy(&mut self, range: Range<u64>, object: &Arc<ObjectRef>, offset: u64, is_last: bool) {
        let Some(from) = self.start_of_copies(&range, is_last) else {
            return;
        };
        self.send(from);
        let offset = offset + (from - range.start);
        let pieces = cut(
            range.end - from,
            (range.end - from).div_ceil(self.grain.copy),
        );
        self.parts.extend(pieces.map(|piece| PlannedPart::Copy {
            object: Arc::clone(object),
            range: offset + piece.start..offset + piece.end,
        }));
        self.planned = range.end;
    }

    /// Plans copies of zeros for a hole, like [`copy`](Self::copy). A rest that is too small for a
    /// part is sent with what follows.
    fn copy_zeros(&mut self, range: Range<u64>, zeros: &ZeroRun, is_last: bool) {
        let Some(from) = self.start_of_copies(&range, is_last) else {
            return;
        };
        self.send(from);
        let (rest, longest) = (range.end - from, zeros.length().min(self.grain.copy));
        let count = rest.div_ceil(longest);
        let is_even = count == 1 || rest / count >= self.grain.min;
        let copied = if is_even { rest } else { longest * (count - 1) };
        let pieces = cut(copied, if is_even { count } else { count - 1 });
        self.parts
            .extend(pieces.map(|piece| PlannedPart::CopyZeros {
                from: zeros.first(piece.end - piece.start),
                range: from + piece.start..from + piece.end,
            }));
        self.planned = from + copied;
    }

    /// Plans copies of zeros for a hole, so that all parts but the last have one size.
    fn copy_even_zeros(&mut self, range: Range<u64>, zeros: &ZeroRun, is_last: bool) {
        let size = self.grain.send;
        let from = range.start.next_multiple_of(size);
        let end = if is_last {
            range.end
        } else {
            range.end / size * size
        };
        if from >= end {
            return;
        }
        self.send(from);
        for at in (from..end).step_by(usize::try_from(size).unwrap_or(usize::MAX)) {
            let range = at..end.min(at + size);
            self.parts.push(PlannedPart::CopyZeros {
                from: zeros.first(range.end - range.start),
                range,
            });
        }
        self.planned = end;
    }

    /// Plans parts to send for everything up to `end` that is not covered yet.
    fn send(&mut self, end: u64) {
        let Grain { min, send, .. } = self.grain;
        while end > self.planned {
            let left = end - self.planned;
            // The rest must not become too small for a part of its own.
            let length = if left >= send + min { send } else { left };
            self.parts
                .push(PlannedPart::Send(self.planned..self.planned + length));
            self.planned += length;
        }
    }
}

/// Cuts a length into `count` ranges of about the same length.
fn cut(length: u64, count: u64) -> impl Iterator<Item = Range<u64>> {
    let at = move |i: u64| {
        u64::try_from(u128::from(length) * u128::from(i) / u128::from(count)).unwrap_or(length)
    };
    (0..count).map(move |i| at(i)..at(i + 1))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
