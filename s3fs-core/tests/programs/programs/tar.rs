//! tar: packing and unpacking of trees.

use std::collections::HashSet;
use std::path::Path;

use crate::place::Place;
use crate::run::sh;

/// Creates a tree on the local disk with everything that an archive can store.
pub(crate) fn original(folder: &Path) {
    sh(
        folder,
        "mkdir -p tree/deep/er tree/empty 'tree/sp ace'
         for i in $(seq 60); do seq $i > tree/deep/$i; done
         head -c 9000000 /dev/urandom > tree/large; : > tree/nothing; echo odd > 'tree/sp ace/ünï *'
         printf '#!/bin/sh\\necho ran\\n' > tree/run; chmod 755 tree/run; chmod 600 tree/large
         chmod 444 tree/deep/7; chmod 1777 tree/empty; chmod 700 tree/deep/er
         ln -s deep/7 tree/link; ln -s /etc tree/out; ln -s ../none tree/deep/dangling
         touch -d '2001-02-03 04:05:06.789012345' tree/large; touch -d '1999-12-31 23:59:59' tree/deep/9
         touch -h -d '2005-01-01' tree/link
         touch -d '2010-10-10 10:10:10.5' tree/deep/er tree/deep tree/empty",
    );
}

/// Describes all attributes and contents of the entries of `tree` in a folder.
pub(crate) fn description(folder: &Path) -> String {
    sh(
        folder,
        "find tree -type d -printf '%p %y %m %U %T@\\n' -o -printf '%p %y %m %U %s %T@ %l\\n' | sort
         find tree -type f -exec sha256sum {} + | sort -k2",
    )
}

#[test]
fn a_tree_comes_out_of_an_archive_as_it_went_in() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let before = description(local.path());
    let from = local.path().display();
    let place = Place::new();
    sh(
        place.path(),
        &format!(
            "tar --format=posix -C {from} -cf archive.tar tree; tar -xpf archive.tar; tar --diff -f archive.tar"
        ),
    );
    assert_same(&description(place.path()), &before);
    let place = place.check_fresh();
    assert_same(&description(place.path()), &before);
    sh(place.path(), "tar --diff -f archive.tar");
    // Packed on the mount, unpacked on the local disk.
    let back = tempfile::tempdir().unwrap();
    sh(
        place.path(),
        &format!(
            "tar --format=posix -cJf again.tar.xz tree; tar -C {} -xpf again.tar.xz",
            back.path().display()
        ),
    );
    assert_same(&description(back.path()), &before);
}

#[test]
fn an_archive_grows_and_is_extracted_over_what_is_there() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let before = description(local.path());
    let place = Place::new();
    let from = local.path().display();
    sh(
        place.path(),
        &format!(
            "tar --format=posix -C {from} -cf a.tar tree/deep; tar --format=posix -C {from} -rf a.tar tree/large
             tar --format=posix -C {from} -rf a.tar tree; tar -xpf a.tar
             echo changed > tree/deep/1; rm tree/link; tar -xpf a.tar; tar --diff -f a.tar"
        ),
    );
    assert_same(&description(place.path()), &before);
    let fresh = place.check_fresh();
    assert_same(&description(fresh.path()), &before);
}

/// Fails with the first differing lines.
#[track_caller]
pub(crate) fn assert_same(found: &str, wanted: &str) {
    let without = |some: &str, others: &str| -> Vec<String> {
        let others: HashSet<&str> = others.lines().collect();
        let differ = some.lines().filter(|line| !others.contains(line));
        differ.take(10).map(str::to_owned).collect()
    };
    let (missing, new) = (without(wanted, found), without(found, wanted));
    assert!(
        missing.is_empty() && new.is_empty(),
        "missing: {missing:#?}\nnew: {new:#?}"
    );
}
