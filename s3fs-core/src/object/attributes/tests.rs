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
        ("atime", "lately"),
        ("ctime", "1700000000"),
        ("gid", "staff"),
        ("md5chksum", "1B2M2Y8AsgTpgAmY7PhCfg=="),
        ("mode", "8630"),
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

/// Uses metadata as found in a bucket that s3fs 1.90 had mounted.
#[test]
fn what_s3fs_wrote_is_read() {
    let file = Attributes::from_metadata(&metadata(&[
        ("atime", "1700000000.123456789"),
        ("ctime", "1795624291"),
        ("gid", "1001"),
        ("mode", "33256"),
        ("mtime", "1700000000.123456789"),
        ("uid", "1000"),
        (
            "xattr",
            "%7B%22user.a%22%3A%22dmEibCx1ZQ%3D%3D%22%2C%22user.%C3%BC%22%3A%22eA%3D%3D%22%7D",
        ),
    ]));
    let times = [("atime", "1700000000.123456789"), ("ctime", "1795624291")];
    assert_eq!(
        file,
        Attributes {
            kind: Some(FileKind::File),
            mode: Some(0o750),
            uid: Some(1000),
            gid: Some(1001),
            modified: Some(UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789)),
            xattrs: BTreeMap::from([
                ("user.a".into(), b"va\"l,ue".into()),
                ("user.ü".into(), b"x".into()),
            ]),
            others: metadata(&times),
        }
    );
    let ctime = ("ctime", "1795624291");
    for (mode, kind, permissions) in [
        ("41471", Some(FileKind::Symlink), 0o777),
        ("4516", Some(FileKind::Fifo), 0o644),
        ("49645", Some(FileKind::Socket), 0o755),
        ("35309", Some(FileKind::File), 0o4755),
        ("17407", Some(FileKind::Dir), 0o1777),
        ("493", None, 0o755),
    ] {
        let read = Attributes::from_metadata(&metadata(&[("mode", mode), ctime]));
        assert_eq!((read.kind, read.mode), (kind, Some(permissions)), "{mode}");
    }
    // It leaves a slash as it is.
    let xattrs = "%7B%22security.foo%22%3A%22YmFy%22%2C%22trusted.t%22%3A%22/wA%3D%22%2C\
                  %22user.comma%2Cx%22%3A%22MQ%3D%3D%22%7D";
    let read = Attributes::from_metadata(&metadata(&[("xattr", xattrs)]));
    let expected = BTreeMap::from([
        ("security.foo".to_owned(), b"bar".to_vec()),
        ("trusted.t".to_owned(), vec![0xff, 0]),
        ("user.comma,x".to_owned(), b"1".to_vec()),
    ]);
    assert_eq!(read.xattrs, expected);
}

/// Uses metadata as found in a bucket that rclone 1.75 had copied to with `--metadata`.
#[test]
fn what_rclone_wrote_is_read() {
    let file = metadata(&[
        ("atime", "2023-11-14T22:13:20.123456789Z"),
        ("btime", "2026-11-25T16:31:31.338578329Z"),
        ("gid", "0"),
        ("k", "v"),
        ("mode", "102754"),
        ("mtime", "1700000000.123456789"),
        ("uid", "0"),
    ]);
    let read = Attributes::from_metadata(&file);
    let modified = UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    assert_eq!((read.kind, read.mode), (Some(FileKind::File), Some(0o2754)));
    assert_eq!((read.uid, read.gid), (Some(0), Some(0)));
    assert_eq!(read.modified, Some(modified));
    assert_eq!(read.others.len(), 3, "an attribute `user.k` is just `k`");
    let mut written = file;
    written.insert("mode".into(), "0102754".into());
    assert_eq!(read.to_metadata(), written);
    for (text, seconds, nanos) in [
        ("1700000000.5", 1_700_000_000, 500_000_000),
        ("1700000000", 1_700_000_000, 0),
    ] {
        let read = Attributes::from_metadata(&metadata(&[("mtime", text)]));
        let expected = UNIX_EPOCH + Duration::new(seconds, nanos);
        assert_eq!(read.modified, Some(expected));
    }
    let link = Attributes::from_metadata(&metadata(&[("mode", "120777")]));
    assert_eq!(link.kind, Some(FileKind::Symlink));
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
        Just(FileKind::Symlink),
        Just(FileKind::Fifo),
        Just(FileKind::Socket),
    ]
}

/// Returns a strategy for a mode with or without a kind, or neither.
fn kind_and_mode() -> impl Strategy<Value = (Option<FileKind>, Option<u16>)> {
    let mode = (option::of(kind()), 0..=0o7777_u16);
    option::of(mode).prop_map(|known| match known {
        Some((kind, mode)) => (kind, Some(mode)),
        None => (None, None),
    })
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

/// Returns a strategy for numbers as long as modes, owners and times, and for any text.
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
        let first = Attributes::from_metadata(&values);
        let again = Attributes::from_metadata(&first.to_metadata());
        prop_assert_eq!(again, first);
    }
}

#[test]
fn a_time_of_access_is_read_in_every_form_and_stays_as_it_was_written() {
    for text in ["1000", "1970-01-01T00:16:40Z"] {
        let foreign = metadata(&[("atime", text)]);
        let mut attributes = Attributes::from_metadata(&foreign);
        let second = |second| UNIX_EPOCH + Duration::from_secs(second);
        assert_eq!(attributes.accessed(), Some(second(1000)));
        assert!(!attributes.is_empty());
        assert_eq!(attributes.to_metadata(), foreign);
        attributes.set_accessed(second(2000));
        assert_eq!(attributes.to_metadata(), metadata(&[("atime", "2000")]));
    }
    let mut none = Attributes::default();
    none.set_accessed(UNIX_EPOCH);
    assert_eq!(none, Attributes::default());
}
