//! Tests of the page algorithm against a simple one: filter every key, roll up, cut.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::catalog::Headers;
use crate::content::Content;

fn objects<'k>(keys: impl IntoIterator<Item = &'k str>) -> Objects {
    let object = Arc::new(Object {
        content: Content::default(),
        size: 0,
        etag: String::new(),
        modified: 0,
        headers: Headers::default(),
        checksum: None,
        parts: 1,
    });
    keys.into_iter()
        .map(|key| (Key::from(key), Arc::clone(&object)))
        .collect()
}

fn names(listing: &Listing) -> Vec<String> {
    let name = |entry: &Entry| match entry {
        Entry::Object(key, _) => key.as_str().to_owned(),
        Entry::CommonPrefix(prefix) => format!("{prefix}*"),
    };
    listing.entries.iter().map(name).collect()
}

fn all_pages(
    objects: &Objects,
    prefix: &str,
    delimiter: Option<&str>,
    limit: usize,
) -> Vec<String> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = list(
            objects,
            &ListQuery {
                prefix,
                delimiter,
                after,
                limit,
            },
        );
        assert!(page.entries.len() <= limit);
        all.extend(names(&page));
        let Some(resume) = page.resume else {
            return all;
        };
        after = Some(After::from_token(&resume.to_token()).unwrap());
    }
}

fn expected(keys: &BTreeSet<String>, prefix: &str, delimiter: Option<&str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for key in keys.iter().filter(|key| key.starts_with(prefix)) {
        let rest = &key[prefix.len()..];
        let name = match delimiter.and_then(|delimiter| rest.split_once(delimiter)) {
            Some((group, _)) => format!("{prefix}{group}{}*", delimiter.unwrap()),
            None => key.clone(),
        };
        if all.last() != Some(&name) {
            all.push(name);
        }
    }
    all
}

proptest! {
    #[test]
    fn pages_of_any_size_give_every_entry_once_in_order(
        keys in prop::collection::btree_set("[ab/\u{e9}\u{10ffff}]{1,5}", 0..40),
        prefix in "[ab/]{0,2}",
        delimiter in prop::option::of("/|a|//"),
        limit in 1..6_usize,
    ) {
        let objects = objects(keys.iter().map(String::as_str));
        let delimiter = delimiter.as_deref();
        let pages = all_pages(&objects, &prefix, delimiter, limit);
        prop_assert_eq!(pages, expected(&keys, &prefix, delimiter));
    }
}

#[test]
fn an_object_and_a_folder_of_the_same_name_are_both_listed() {
    let objects = objects(["a", "a/b", "a0"]);
    assert_eq!(all_pages(&objects, "", Some("/"), 10), ["a", "a/*", "a0"]);
}

#[test]
fn a_marker_that_is_a_common_prefix_skips_its_keys() {
    let objects = objects(["a/1", "a/2", "b"]);
    let page = |marker: &str| {
        let after = Some(After::from_marker(marker, "", Some("/")));
        names(&list(
            &objects,
            &ListQuery {
                prefix: "",
                delimiter: Some("/"),
                after,
                limit: 10,
            },
        ))
    };
    assert_eq!(page("a/"), ["b"]);
    assert_eq!(page("a/1"), ["a/*", "b"]);
    assert_eq!(page("a/2"), ["b"]);
}

#[test]
fn a_marker_before_the_prefix_changes_nothing() {
    let objects = objects(["a", "p/1", "p/2"]);
    let after = Some(After::from_marker("a", "p/", None));
    let page = list(
        &objects,
        &ListQuery {
            prefix: "p/",
            delimiter: None,
            after,
            limit: 10,
        },
    );
    assert_eq!(names(&page), ["p/1", "p/2"]);
}

#[test]
fn a_page_of_no_entries_is_the_last_one() {
    let page = list(
        &objects(["a"]),
        &ListQuery {
            prefix: "",
            delimiter: None,
            after: None,
            limit: 0,
        },
    );
    assert!(page.entries.is_empty() && page.resume.is_none());
}

#[test]
fn a_walk_meets_a_folder_where_its_name_is() {
    let all = ["sub-1", "sub-2", "sub/b/1", "sub/b-1", "sub/z", "t"];
    let objects = objects(all);
    let pages = |delimiter: Option<&str>, limit| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let query = ListQuery {
                prefix: "",
                delimiter,
                after,
                limit,
            };
            let page = walk(&objects, &query);
            all.extend(names(&page));
            after = page.resume;
            if after.is_none() {
                return all;
            }
        }
    };
    for limit in 1..7 {
        let folded = pages(Some("/"), limit);
        assert_eq!(folded, ["sub/*", "sub-1", "sub-2", "t"], "{limit}");
        let unfolded = pages(None, limit);
        let expected = ["sub/b/1", "sub/b-1", "sub/z", "sub-1", "sub-2", "t"];
        assert_eq!(unfolded, expected, "{limit}");
    }
    let query = ListQuery {
        prefix: "",
        delimiter: Some("/"),
        after: Some(After::Key("sub".to_owned())),
        limit: 9,
    };
    assert_eq!(names(&walk(&objects, &query)), ["sub-1", "sub-2", "t"]);
}
