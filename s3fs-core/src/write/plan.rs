//! Plan of the requests that store a changed file, without I/O.
//!
//! Changed ranges are sent; unchanged ones are copied by the server from where they are stored. A
//! part has at least 5 MiB, so a smaller change also sends some stored bytes behind it, which are
//! fetched.

use std::ops::Range;
use std::sync::Arc;

use crate::object::ObjectRef;
use crate::write::extents::{ExtentSource, Extents};
use crate::write::sizes::PartSizes;

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
}

impl PlannedPart {
    /// Returns the length in bytes.
    pub fn length(&self) -> u64 {
        let (Self::Send(range) | Self::Copy { range, .. }) = self;
        range.end - range.start
    }
}

/// Plans how to store a file with these extents, none of which may be with an upload. `may_copy`
/// tells whether the store may use a copy, which checks no precondition.
pub fn plan(extents: &Extents, sizes: PartSizes, may_copy: bool) -> Plan {
    match extents.whole_object() {
        Some(object) if may_copy && object.size <= sizes.max() => Plan::Copy(Arc::clone(object)),
        None if extents.length() <= sizes.first() => Plan::Put,
        // A small object too is one part, copied: a PUT would have to fetch it.
        _ => Plan::Parts(parts(extents, sizes)),
    }
}

/// Plans how to copy a whole object into parts of another.
pub fn copies(object: &Arc<ObjectRef>, sizes: PartSizes) -> Vec<PlannedPart> {
    parts(&Extents::of(Arc::clone(object)), sizes)
}

fn parts(extents: &Extents, sizes: PartSizes) -> Vec<PlannedPart> {
    let mut grains = grains(sizes).map(|grain| with_grain(extents, grain));
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

fn with_grain(extents: &Extents, grain: Grain) -> Vec<PlannedPart> {
    let mut draft = Draft {
        parts: Vec::new(),
        planned: 0,
        grain,
    };
    for extent in extents.all() {
        if let ExtentSource::Object { object, offset } = extent.source {
            let is_last = extent.range.end == extents.length();
            draft.copy(extent.range, &object, offset, is_last);
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
    /// Plans copies of a stored range, less the bytes needed to fill the part before it. Plans none
    /// if too few bytes remain.
    fn copy(&mut self, range: Range<u64>, object: &Arc<ObjectRef>, offset: u64, is_last: bool) {
        let lacking = match range.start - self.planned {
            0 => 0,
            before => self.grain.min.saturating_sub(before),
        };
        let from = (range.start + lacking).min(range.end);
        let rest = range.end - from;
        if rest < self.grain.min && !(is_last && rest > 0) {
            return;
        }
        self.send(from);
        let offset = offset + (from - range.start);
        let count = rest.div_ceil(self.grain.copy);
        let cut = |i: u64| {
            offset
                + u64::try_from(u128::from(rest) * u128::from(i) / u128::from(count))
                    .unwrap_or(rest)
        };
        self.parts.extend((0..count).map(|i| PlannedPart::Copy {
            object: Arc::clone(object),
            range: cut(i)..cut(i + 1),
        }));
        self.planned = range.end;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::object::{ETag, Key};
    use crate::write::sizes::{MAX_OBJECT, MAX_PARTS, PartLimit};

    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    fn object(size: u64) -> Arc<ObjectRef> {
        Arc::new(ObjectRef {
            key: Key::new("f"),
            etag: ETag::new("v"),
            size,
        })
    }

    fn stored(size: u64) -> Extents {
        Extents::of(object(size))
    }

    fn planned(extents: &Extents) -> Vec<PlannedPart> {
        match plan(extents, PartSizes::default(), true) {
            Plan::Parts(parts) => parts,
            other => panic!("{other:?}"),
        }
    }

    /// Returns how many stored bytes are fetched because they are sent.
    fn fetched(extents: &Extents, parts: &[PlannedPart]) -> u64 {
        let sent = parts.iter().filter_map(|part| match part {
            PlannedPart::Send(range) => Some(range.clone()),
            PlannedPart::Copy { .. } => None,
        });
        let within = sent.flat_map(|range| extents.within(range));
        within
            .filter(|extent| matches!(extent.source, ExtentSource::Object { .. }))
            .map(|extent| extent.length())
            .sum()
    }

    /// Checks that the parts make up the file and that S3 accepts them.
    fn check(extents: &Extents, parts: &[PlannedPart]) {
        let sizes = PartSizes::default();
        let mut at = 0;
        for (index, part) in parts.iter().enumerate() {
            let length = part.length();
            assert!(length > 0 && length <= sizes.max(), "{part:?}");
            let is_last = index + 1 == parts.len();
            assert!(is_last || length >= sizes.min(), "{part:?}");
            let here: Vec<_> = extents.within(at..at + length).collect();
            match part {
                PlannedPart::Send(range) => assert_eq!(range.start, at),
                PlannedPart::Copy { object, range } => {
                    let source = ExtentSource::Object {
                        object: Arc::clone(object),
                        offset: range.start,
                    };
                    assert_eq!(here.len(), 1);
                    assert_eq!(here[0].source, source);
                }
            }
            at += length;
        }
        assert_eq!(at, extents.length());
        assert!(parts.len() <= usize::from(MAX_PARTS), "{}", parts.len());
    }

    #[test]
    fn a_small_change_in_the_middle_fetches_less_than_a_part() {
        let mut extents = stored(10 * GIB);
        extents.set(5 * GIB..5 * GIB + 4 * KIB, ExtentSource::Stage);
        let parts = planned(&extents);
        check(&extents, &parts);
        let sent: Vec<_> = parts
            .iter()
            .filter(|part| matches!(part, PlannedPart::Send(_)))
            .collect();
        assert_eq!(sent, [&PlannedPart::Send(5 * GIB..5 * GIB + 5 * MIB)]);
        assert_eq!(fetched(&extents, &parts), 5 * MIB - 4 * KIB);
        assert!(parts.iter().all(|part| part.length() <= 512 * MIB));
        assert_eq!(parts.len(), 21);
    }

    #[test]
    fn changes_at_the_ends_fetch_nothing_but_what_the_first_part_lacks() {
        let mut extents = stored(10 * GIB);
        extents.set(0..4 * KIB, ExtentSource::Stage);
        let parts = planned(&extents);
        assert_eq!(fetched(&extents, &parts), 5 * MIB - 4 * KIB);
        let mut extents = stored(10 * GIB);
        extents.set(10 * GIB..10 * GIB + 4 * KIB, ExtentSource::Stage);
        assert_eq!(fetched(&extents, &planned(&extents)), 0);
        extents.resize(3 * GIB);
        let parts = planned(&extents);
        check(&extents, &parts);
        assert_eq!((fetched(&extents, &parts), parts.len()), (0, 6));
    }

    #[test]
    fn one_whole_object_is_copied_as_one_if_it_may_be() {
        let sizes = PartSizes::default();
        let small = stored(5 * GIB);
        assert_eq!(plan(&small, sizes, true), Plan::Copy(object(5 * GIB)));
        let few = stored(3);
        assert!(matches!(&plan(&few, sizes, false), Plan::Parts(parts) if parts.len() == 1));
        let large = stored(5 * GIB + 1);
        check(&large, &planned(&large));
        let mut cut = stored(10 * MIB);
        cut.resize(3);
        assert_eq!(plan(&cut, sizes, true), Plan::Put);
        assert_eq!(plan(&Extents::default(), sizes, true), Plan::Put);
    }

    #[test]
    fn the_largest_objects_fit_into_the_parts() {
        let mut hole = Extents::default();
        hole.resize(MAX_OBJECT);
        let mut scattered = stored(MAX_OBJECT);
        for i in 0..50_000 {
            let at = i * (100 * MIB);
            scattered.set(at..at + 4 * KIB, ExtentSource::Stage);
        }
        for extents in [stored(MAX_OBJECT), hole, scattered] {
            check(&extents, &planned(&extents));
        }
        let mut one = stored(MAX_OBJECT);
        one.set(GIB..GIB + 1, ExtentSource::Stage);
        let parts = planned(&one);
        check(&one, &parts);
        assert!(
            fetched(&one, &parts) < 5 * MIB,
            "copies are coarser instead"
        );
    }

    fn source() -> impl Strategy<Value = (ExtentSource, u64)> {
        let small = 1..4 * MIB;
        let length = prop_oneof![small, 1..20 * MIB, 1..2 * GIB];
        let kind = prop_oneof![
            Just(ExtentSource::Stage),
            Just(ExtentSource::Hole),
            (0..GIB).prop_map(|offset| ExtentSource::Object {
                object: object(4 * GIB),
                offset
            }),
        ];
        (kind, length)
    }

    proptest! {
        #[test]
        fn any_file_is_covered_by_legal_parts(
            sources in proptest::collection::vec(source(), 1..60),
        ) {
            let mut extents = Extents::default();
            for (source, length) in sources {
                let end = extents.length();
                extents.set(end..end + length, source);
            }
            if let Plan::Parts(parts) = plan(&extents, PartSizes::default(), true) {
                check(&extents, &parts);
                let regions = extents.all().count() as u64;
                prop_assert!(fetched(&extents, &parts) <= 10 * MIB * regions);
            }
            let few = PartSizes::default().with_limit(PartLimit::Thousand);
            if let Plan::Parts(parts) = plan(&extents, few, true) {
                check(&extents, &parts);
                prop_assert!(parts.len() <= 1000 || extents.length() > MAX_OBJECT / 2);
            }
        }

        #[test]
        fn changes_to_a_stored_file_fetch_little(
            changes in proptest::collection::vec((0..40 * GIB, 1..8 * MIB), 1..40),
        ) {
            let mut extents = stored(40 * GIB);
            for (at, length) in &changes {
                extents.set(*at..at + length, ExtentSource::Stage);
            }
            let parts = planned(&extents);
            check(&extents, &parts);
            let regions = extents.all().filter(|e| e.source == ExtentSource::Stage).count() as u64;
            prop_assert!(fetched(&extents, &parts) <= 10 * MIB * regions);
        }
    }
}
