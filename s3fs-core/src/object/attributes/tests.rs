use std::time::{Duration, UNIX_EPOCH};

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;

fn metadata(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs.map(|(n, v)| ((*n).into(), (*v).into())).collect()
}

#[test]
fn what_is_not_ours_is_written_back_as_it_was() {
    let foreign = metadata(&[
        ("atime", "1700000000"),
        ("ctime", "1700000000"),
        ("gid", "staff"),
        ("md5chksum", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("mode", "20666"),
        ("mtime", "yesterday"),
        ("uid", "-1"),
        ("xattr", "?"),
    ]);
    let attributes = Attributes::from_metadata(&foreign);
    assert!(attributes.is_empty());
    assert_eq!(attributes.to_metadata(), foreign);
    let changed = Attributes {
        uid: Some(1000),
        ..attributes
    };
    assert!(!changed.is_empty());
    let mut expected = foreign;
    expected.insert("uid".into(), "1000".into());
    assert_eq!(changed.to_metadata(), expected);
}

#[test]
fn the_size_is_that_of_names_and_values() {
    assert_eq!(metadata_size(&BTreeMap::new()), 0);
    assert_eq!(metadata_size(&metadata(&[("a", "bc"), ("ü", "")])), 5);
}

fn kind() -> impl Strategy<Value = FileKind> {
    prop_oneof![
        Just(FileKind::File),
        Just(FileKind::Dir),
        Just(FileKind::Socket),
    ]
}

/// Kinds with the modes that they have.
fn kind_and_mode() -> impl Strategy<Value = (Option<FileKind>, Option<u16>)> {
    let pipe = (0..=0o777_u16).prop_map(|mode| (FileKind::Fifo, mode));
    let link = Just((FileKind::Symlink, 0o777));
    let known = prop_oneof![(kind(), 0..=0o7777_u16), pipe, link];
    option::of(known).prop_map(Option::unzip)
}

fn time() -> impl Strategy<Value = SystemTime> {
    let far = 1_u64 << 40;
    (
        -(far.cast_signed())..far.cast_signed(),
        0..1_000_000_000_u32,
    )
        .prop_map(|(seconds, nanos)| {
            let whole = Duration::from_secs(seconds.unsigned_abs());
            let time = if seconds < 0 {
                UNIX_EPOCH - whole
            } else {
                UNIX_EPOCH + whole
            };
            time + Duration::from_nanos(nanos.into())
        })
}

prop_compose! {
    fn attributes()(
        (kind, mode) in kind_and_mode(),
        uid in option::of(any::<u32>()),
        gid in option::of(any::<u32>()),
        modified in option::of(time()),
        xattrs in btree_map("(user|security)\\..{1,20}", vec(any::<u8>(), 0..50), 0..4),
        others in btree_map("[a-z]{6,9}|atime|ctime", "[ -~]{0,20}", 0..4),
    ) -> Attributes {
        Attributes { kind, mode, uid, gid, modified, xattrs, others }
    }
}

/// Numbers of the lengths that modes, owners and times have, and anything.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{1,25}",
        "-?[0-9]{0,20}\\.[0-9]{0,20}",
        "[0-9]{1,9}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,12})?(Z|[+-][0-9]{2}:[0-9]{2})",
        "(%7B|\\{)(%22|\")user\\.a(%22|\")(%3A|:)(%22|\")[A-Za-z0-9+/=]{0,9}(%22|\")(%7D|\\})?",
        ".{0,30}",
    ]
}

proptest! {
    #[test]
    fn attributes_come_back_as_they_were(attributes in attributes()) {
        let metadata = attributes.to_metadata();
        prop_assert_eq!(Attributes::from_metadata(&metadata), attributes);
        // As a header's value must be.
        prop_assert!(metadata.values().all(|value| value.is_ascii()));
    }

    #[test]
    fn nothing_that_is_read_panics_and_what_is_written_is_read_as_the_same(
        values in btree_map("mode|uid|gid|mtime|xattr|[a-z]{1,5}", value(), 0..6),
    ) {
        // The first one may have a mode that is written as another one's.
        let first = Attributes::from_metadata(&values).to_metadata();
        let read = Attributes::from_metadata(&first);
        let again = Attributes::from_metadata(&read.to_metadata());
        prop_assert_eq!(again, read);
    }
}
