//! Archives and compressed files, changed in place.

use super::tar::{assert_same, description, original};
use crate::place::Place;
use crate::run::{python, sh};

#[test]
fn zip_and_unzip() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let place = Place::new();
    let script = format!(
        "(cd {}; zip -qry - tree) > a.zip; unzip -qt a.zip >/dev/null; unzip -qo a.zip
         echo more > more; zip -q a.zip more; zip -qd a.zip tree/large; zip -q -r a.zip tree/large
         rm -r more; unzip -qo a.zip; cat more; test -x tree/run; test -L tree/link",
        local.path().display()
    );
    assert_eq!(sh(place.path(), &script), "more");
    let sums = "cd tree; find . -type f -exec sha256sum {} + | sort -k2";
    let wanted = sh(local.path(), sums);
    assert_same(&sh(place.path(), sums), &wanted);
    let fresh = place.check_fresh();
    assert_same(&sh(fresh.path(), sums), &wanted);
    sh(fresh.path(), "unzip -qt a.zip; test -x tree/run");
    let names = python(
        fresh.path(),
        "import zipfile; print(len(zipfile.ZipFile('a.zip').namelist()))",
    );
    assert_eq!(sh(fresh.path(), "unzip -Z1 a.zip | wc -l"), names);
}

#[test]
fn files_are_compressed_in_place() {
    let place = Place::new();
    sh(
        place.path(),
        "seq 300000 > a; chmod 640 a; touch -d 2003-03-03 a; cp -p a b; sha256sum a b > sums
         gzip a; test ! -e a; gzip -t a.gz; zcat a.gz | cmp - b; gunzip a.gz
         xz -0 b; xz -t b.xz; unxz b.xz; sha256sum -c --quiet sums
         stat -c '%a %y' a b | sort | uniq -c | grep -q '2 640 2003-03-03 00:00:00.000000000'
         gzip -k a; split -b 100K a.gz part.; cat part.* | cmp - a.gz; gzip -dc a.gz | tail -n 1 > last",
    );
    let fresh = place.check_fresh();
    assert_eq!(
        sh(fresh.path(), "sha256sum -c --quiet sums; cat last"),
        "300000"
    );
}

#[test]
fn a_copy_of_an_archive_is_the_tree() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let before = description(local.path());
    let place = Place::new();
    let script = format!(
        "(cd {} && find tree -depth -print0 | tar --no-recursion --null -T - --format=posix -c) | tar -xp",
        local.path().display()
    );
    sh(place.path(), &script);
    assert_same(&description(place.path()), &before);
    let fresh = place.check_fresh();
    assert_same(&description(fresh.path()), &before);
}
