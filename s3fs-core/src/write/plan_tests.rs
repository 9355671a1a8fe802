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

/// Range of the zeros in these tests.
const ZEROS: Range<u64> = 3 * MIB..67 * MIB;

/// Returns a run of zeros of this length.
fn zeros(length: u64) -> ZeroRun {
    ZeroRun {
        object: object(GIB),
        range: ZEROS.start..ZEROS.start + length,
    }
}

fn planned(extents: &Extents) -> Vec<PlannedPart> {
    match plan(extents, PartSizes::default(), true, None) {
        Plan::Parts(parts) => parts,
        other => panic!("{other:?}"),
    }
}

/// Returns how many stored bytes are fetched because they are sent.
fn fetched(extents: &Extents, parts: &[PlannedPart]) -> u64 {
    let sent = parts.iter().filter_map(|part| match part {
        PlannedPart::Send(range) => Some(range.clone()),
        PlannedPart::Copy { .. } | PlannedPart::CopyZeros { .. } => None,
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
            PlannedPart::CopyZeros { range, from } => {
                assert_eq!(range.clone(), at..at + length);
                assert_eq!((here.len(), &here[0].source), (1, &ExtentSource::Hole));
                assert_eq!(from.length(), length);
                assert!(ZEROS.start <= from.range.start && from.range.end <= ZEROS.end);
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
    assert_eq!(plan(&small, sizes, true, None), Plan::Copy(object(5 * GIB)));
    let few = stored(3);
    assert!(matches!(&plan(&few, sizes, false, None), Plan::Parts(parts) if parts.len() == 1));
    let large = stored(5 * GIB + 1);
    check(&large, &planned(&large));
    let mut cut = stored(10 * MIB);
    cut.resize(3);
    assert_eq!(plan(&cut, sizes, true, None), Plan::Put);
    assert_eq!(plan(&Extents::default(), sizes, true, None), Plan::Put);
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

#[test]
fn a_hole_is_copied_but_for_what_fills_a_part() {
    let mut extents = Extents::default();
    extents.resize(GIB);
    let run = zeros(64 * MIB);
    let with = |extents: &Extents, run: &ZeroRun| match plan(
        extents,
        PartSizes::default(),
        true,
        Some(run),
    ) {
        Plan::Parts(parts) => parts,
        other => panic!("{other:?}"),
    };
    let parts = with(&extents, &run);
    check(&extents, &parts);
    assert_eq!((parts.len(), zeros_sent(&extents, &parts, 1)), (16, 0));
    extents.set(512 * MIB..512 * MIB + 4 * KIB, ExtentSource::Stage);
    let parts = with(&extents, &run);
    check(&extents, &parts);
    assert_eq!(zeros_sent(&extents, &parts, 1), 5 * MIB - 4 * KIB);
    let mut short = Extents::default();
    short.resize(9 * MIB);
    let parts = with(&short, &zeros(8 * MIB));
    check(&short, &parts);
    assert_eq!(
        zeros_sent(&short, &parts, 1),
        MIB,
        "and no part is too small"
    );
    assert_eq!(zeros_sent(&short, &planned(&short), 1), 9 * MIB);
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
        if let Plan::Parts(parts) = plan(&extents, PartSizes::default(), true, None) {
            check(&extents, &parts);
            let regions = extents.all().count() as u64;
            prop_assert!(fetched(&extents, &parts) <= 10 * MIB * regions);
        }
        let few = PartSizes::default().with_limit(PartLimit::Thousand);
        if let Plan::Parts(parts) = plan(&extents, few, true, None) {
            check(&extents, &parts);
            prop_assert!(parts.len() <= 1000 || extents.length() > MAX_OBJECT / 2);
        }
    }

    #[test]
    fn holes_are_copied_from_zeros_of_any_length(
        sources in proptest::collection::vec(source(), 1..60),
        length in 1..64 * MIB,
    ) {
        let mut extents = Extents::default();
        for (source, length) in sources {
            let end = extents.length();
            extents.set(end..end + length, source);
        }
        let run = zeros(length);
        let Plan::Parts(parts) = plan(&extents, PartSizes::default(), true, Some(&run)) else {
            return Ok(());
        };
        check(&extents, &parts);
        let regions = extents.all().count() as u64;
        prop_assert!(fetched(&extents, &parts) <= 10 * MIB * regions);
        let is_fine = parts.iter().all(|part| match part {
            PlannedPart::Send(range) => range.end - range.start < 13 * MIB,
            _ => true,
        });
        if length >= 8 * MIB && is_fine {
            // At either end of a hole, some zeros fill up a part.
            prop_assert!(zeros_sent(&extents, &parts, 1) <= 10 * MIB * regions);
        } else if length < 8 * MIB {
            let copies = |part: &PlannedPart| matches!(part, PlannedPart::CopyZeros { .. });
            prop_assert!(!parts.iter().any(copies), "it takes more parts than sending");
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

#[test]
fn parts_of_a_new_file_have_one_size_where_a_server_may_want_that() {
    let sizes = PartSizes::default().with_limit(PartLimit::Thousand);
    let first = sizes.first();
    for data in [0, 3 * MIB, 100 * MIB + 7, 401 * MIB] {
        let mut extents = Extents::default();
        extents.resize(401 * MIB + 1);
        extents.set(data..data + MIB / 2, ExtentSource::Stage);
        let Plan::Parts(parts) = plan(&extents, sizes, false, Some(&zeros(20 * MIB))) else {
            panic!("it is large");
        };
        check(&extents, &parts);
        let (last, others) = parts.split_last().unwrap();
        assert!(
            others.iter().all(|part| part.length() == first),
            "{parts:?}"
        );
        assert!(last.length() < 2 * first);
        assert!(zeros_sent(&extents, &parts, first) < 2 * first);
    }
}

#[test]
fn small_holes_do_not_count_as_zeros_that_are_sent() {
    let sizes = PartSizes::default();
    let mut extents = Extents::default();
    extents.resize(400 * MIB);
    for at in (0..400).step_by(4) {
        extents.set(at * MIB..at * MIB + KIB, ExtentSource::Stage);
    }
    let parts = planned(&extents);
    assert_eq!(zeros_sent(&extents, &parts, sizes.first()), 0);
    extents.resize(420 * MIB);
    extents.set(440 * MIB..441 * MIB, ExtentSource::Stage);
    let parts = planned(&extents);
    let hole = 44 * MIB - KIB;
    assert_eq!(zeros_sent(&extents, &parts, sizes.first()), hole);
}
