//! Tests of the table of inodes and names: versions, freshness, completeness.

use std::time::{Duration, Instant, SystemTime};

use crate::object::{ETag, EntryName, ObjectMeta, Prefix};
use crate::tree::state::SWEEP;
use crate::tree::{Cached, Entry, FileState, Ino, Kind, ListingCache, ListingEntry, Removed, Tree};

fn name(name: &str) -> EntryName {
    EntryName::from_component(name).unwrap()
}

fn file(etag: &str) -> ListingEntry {
    ListingEntry::File(ObjectMeta {
        size: 1,
        modified: SystemTime::UNIX_EPOCH,
        etag: ETag::new(etag),
    })
}

fn tree() -> Tree {
    Tree::new(Prefix::new("p/").unwrap(), Duration::from_mins(1))
}

fn ino(entry: Option<Entry>) -> Ino {
    entry.unwrap().ino
}

#[test]
fn keys_are_made_of_the_names_above() {
    let tree = tree();
    let now = Instant::now();
    let a = ino(tree.apply(Ino::ROOT, &name("a"), ListingEntry::Dir, now));
    let b = ino(tree.apply(a, &name("b"), ListingEntry::Dir, now));
    assert_eq!(tree.key_in(b, &name("c")).unwrap().as_str(), "p/a/b/c");
    assert_eq!(tree.prefix_of(Ino::ROOT).unwrap(), "p/");
}

#[test]
fn what_is_known_of_a_folder_serves_while_it_is_valid() {
    let tree = tree();
    let now = Instant::now();
    let a = ino(tree.apply(Ino::ROOT, &name("a"), file("1"), now));
    assert!(tree.whole(Ino::ROOT).is_none());
    assert!(tree.absent_for(Ino::ROOT, &name("b")).is_none());
    tree.completed(Ino::ROOT, now);
    let (names, asked) = tree.whole(Ino::ROOT).unwrap();
    assert_eq!((names, asked), (vec![name("a")], now));
    assert!(tree.is_fresh(a));
    assert!(tree.absent_for(Ino::ROOT, &name("a")).is_none());
    let absent_for = tree.absent_for(Ino::ROOT, &name("b")).unwrap();
    assert!(absent_for <= Duration::from_mins(1));
    let cached = |of, age| tree.cached_within(Ino::ROOT, &name(of), age);
    assert!(matches!(cached("a", tree.ttl), Cached::Entry(_)));
    assert!(matches!(cached("b", tree.ttl), Cached::Absent));
    assert!(matches!(cached("a", Duration::ZERO), Cached::Unknown));
    assert!(matches!(cached("b", Duration::ZERO), Cached::Unknown));
    tree.expire();
    assert!(tree.whole(Ino::ROOT).is_none() && !tree.is_fresh(a));
    assert!(tree.absent_for(Ino::ROOT, &name("b")).is_none());
}

#[test]
fn an_entry_that_the_last_listing_lacked_is_not_listed_again() {
    let tree = tree();
    let before = Instant::now();
    for known in ["gone", "here"] {
        tree.apply(Ino::ROOT, &name(known), file("1"), before);
    }
    tree.create(Ino::ROOT, &name("new"), Kind::File(FileState::new()));
    let asked = before + Duration::from_secs(1);
    tree.apply(Ino::ROOT, &name("here"), file("1"), asked);
    tree.completed(Ino::ROOT, asked);
    let listed = || tree.whole(Ino::ROOT).unwrap().0;
    assert_eq!(listed(), [name("here"), name("new")]);
}

#[test]
fn a_version_that_is_not_trusted_is_asked_for_and_so_is_its_folder() {
    let tree = tree();
    let now = Instant::now();
    let a = ino(tree.apply(Ino::ROOT, &name("a"), file("1"), now));
    tree.completed(Ino::ROOT, now);
    assert_eq!(tree.distrust(a), Some((Ino::ROOT, name("a"))));
    assert!(!tree.is_fresh(a) && tree.whole(Ino::ROOT).is_none());
    assert!(matches!(
        tree.cached(Ino::ROOT, &name("a")),
        Cached::Unknown
    ));
}

#[test]
fn a_folder_with_local_names_is_not_copied_by_the_kernel() {
    let tree = tree();
    assert_eq!(tree.open_listing(Ino::ROOT, 1), ListingCache::Fill);
    tree.listing_closed(Ino::ROOT, 1);
    let new = tree.create(Ino::ROOT, &name("new"), Kind::File(FileState::new()));
    assert_eq!(tree.open_listing(Ino::ROOT, 2), ListingCache::Aside);
    tree.unpin(new.ino);
    assert_eq!(tree.open_listing(Ino::ROOT, 3), ListingCache::Fill);
}

/// Lists a folder so that the kernel has a copy of the listing.
fn copy_listing(tree: &Tree, handle: u64) {
    assert_eq!(tree.open_listing(Ino::ROOT, handle), ListingCache::Fill);
    let mut order = tree.listing_began(Ino::ROOT, handle).unwrap();
    for name in tree
        .whole(Ino::ROOT)
        .map(|(names, _)| names)
        .unwrap_or_default()
    {
        order = order.with(name).unwrap();
    }
    tree.listing_ended(Ino::ROOT, handle, Instant::now(), order);
    tree.listing_closed(Ino::ROOT, handle);
}

#[test]
fn the_kernel_lists_a_folder_anew_after_a_change_that_it_did_not_ask_for() {
    let tree = tree();
    let see = |of, seen| tree.apply(Ino::ROOT, &name(of), seen, Instant::now());
    for of in ["a", "b", "c"] {
        tree.reference(ino(see(of, file("1"))));
    }
    tree.completed(Ino::ROOT, Instant::now());
    copy_listing(&tree, 1);
    see("a", file("1"));
    assert_eq!(
        tree.open_listing(Ino::ROOT, 2),
        ListingCache::Keep,
        "the same"
    );
    tree.listing_closed(Ino::ROOT, 2);
    let changes: [&dyn Fn(); 5] = [
        &|| drop(see("a", file("2"))),
        &|| drop(see("b", ListingEntry::Absent)),
        &|| drop(see("new", file("1"))),
        &|| tree.removal_failed(Ino::ROOT, &name("gone"), Removed::File),
        &|| tree.uncovered(Ino::ROOT, &name("c"), Removed::File),
    ];
    for (n, change) in (1..).zip(changes) {
        change();
        copy_listing(&tree, 10 * n);
    }
}

#[test]
fn after_a_deletion_that_failed_the_store_is_asked_for_the_name() {
    let tree = tree();
    let before = Instant::now();
    tree.apply(Ino::ROOT, &name("f"), file("1"), before);
    tree.completed(Ino::ROOT, before);
    for removed in [true, false] {
        if removed {
            tree.removing(Ino::ROOT, &name("f"), Removed::File);
        } else {
            tree.removing_version(Ino::ROOT, &name("f"), ETag::new("1"));
        }
        assert!(tree.absent_for(Ino::ROOT, &name("f")).is_none());
        assert!(matches!(tree.cached(Ino::ROOT, &name("f")), Cached::Absent));
        tree.removal_failed(Ino::ROOT, &name("f"), Removed::File);
        assert!(matches!(
            tree.cached(Ino::ROOT, &name("f")),
            Cached::Unknown
        ));
        let again = Instant::now();
        assert!(
            tree.apply(Ino::ROOT, &name("f"), file("1"), again)
                .is_some()
        );
        tree.completed(Ino::ROOT, again);
    }
}

#[test]
fn entries_that_nobody_asked_for_are_dropped_after_a_while_however_long_they_are_valid() {
    let tree = Tree::new(Prefix::root(), Duration::from_hours(24));
    let old = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
    let known = ino(tree.apply(Ino::ROOT, &name("known"), file("1"), old));
    tree.reference(known);
    for n in 0..3 * SWEEP {
        tree.apply(Ino::ROOT, &name(&n.to_string()), file("1"), old);
    }
    assert!(tree.count() < 2 * SWEEP, "{}", tree.count());
    assert!(tree.entry(known).is_some());
}

#[test]
fn a_version_is_an_inode() {
    let tree = tree();
    let first = ino(tree.apply(Ino::ROOT, &name("f"), file("1"), Instant::now()));
    tree.reference(first);
    let again = ino(tree.apply(Ino::ROOT, &name("f"), file("1"), Instant::now()));
    let second = ino(tree.apply(Ino::ROOT, &name("f"), file("2"), Instant::now()));
    assert_eq!(first, again);
    assert_ne!(first, second);
    assert!(tree.entry(first).is_some(), "it is still open somewhere");
    tree.forget(first, 1);
    assert!(tree.entry(first).is_none());
    assert!(matches!(tree.cached(Ino::ROOT, &name("f")), Cached::Entry(e) if e.ino == second));
}

#[test]
fn a_name_that_another_client_took_is_told_from_one_that_went_here() {
    let tree = tree();
    let before = Instant::now();
    let taken = ino(tree.apply(Ino::ROOT, &name("f"), file("1"), before));
    let deleted = ino(tree.apply(Ino::ROOT, &name("g"), file("1"), before));
    let replaced = ino(tree.apply(Ino::ROOT, &name("h"), file("1"), before));
    for ino in [taken, deleted, replaced] {
        tree.reference(ino);
    }
    tree.apply(Ino::ROOT, &name("f"), file("2"), Instant::now());
    tree.removing(Ino::ROOT, &name("g"), Removed::File);
    let new = tree.create(Ino::ROOT, &name("new"), Kind::File(FileState::new()));
    tree.rename(Ino::ROOT, &name("new"), Ino::ROOT, &name("h"));
    assert!(tree.is_superseded(taken));
    for ino in [deleted, replaced, new.ino] {
        assert!(!tree.is_superseded(ino));
    }
}

#[test]
fn an_answer_older_than_our_own_change_changes_nothing() {
    let tree = tree();
    let asked = Instant::now();
    let ours = tree.create(Ino::ROOT, &name("f"), Kind::Dir).ino;
    assert_eq!(
        ino(tree.apply(Ino::ROOT, &name("f"), ListingEntry::Absent, asked)),
        ours
    );
    tree.removed(Ino::ROOT, &name("f"), Removed::Dir);
    assert!(
        tree.apply(Ino::ROOT, &name("f"), ListingEntry::Dir, asked)
            .is_none()
    );
    let later = Instant::now();
    assert!(
        tree.apply(Ino::ROOT, &name("f"), ListingEntry::Dir, later)
            .is_some()
    );
}

#[test]
fn after_a_complete_listing_other_names_are_absent() {
    let tree = tree();
    let now = Instant::now();
    let f = ino(tree.apply(Ino::ROOT, &name("f"), file("1"), now));
    tree.reference(f);
    tree.completed(Ino::ROOT, now);
    assert!(matches!(
        tree.cached(Ino::ROOT, &name("f")),
        Cached::Entry(_)
    ));
    assert!(matches!(tree.cached(Ino::ROOT, &name("g")), Cached::Absent));
    tree.forget(f, 1);
    assert!(matches!(
        tree.cached(Ino::ROOT, &name("g")),
        Cached::Unknown
    ));
}
