//! cp, mv, find, du and similar programs, on trees.

use super::tar::{assert_same, description, original};
use crate::place::Place;
use crate::run::sh;

#[test]
fn a_tree_is_copied_with_all_that_is_known_of_it() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let before = description(local.path());
    let place = Place::new();
    sh(
        place.path(),
        &format!("cp -a {}/tree .", local.path().display()),
    );
    assert_same(&description(place.path()), &before);
    sh(place.path(), "mkdir in; cp -a tree in/");
    assert_same(&description(&place.at("in")), &before);
    let place = place.check_fresh();
    assert_same(&description(place.path()), &before);
    assert_same(&description(&place.at("in")), &before);
    let back = tempfile::tempdir().unwrap();
    sh(
        place.path(),
        &format!("cp -a in/tree {}", back.path().display()),
    );
    assert_same(&description(back.path()), &before);
}

#[test]
fn a_tree_moves_within_in_and_out() {
    let local = tempfile::tempdir().unwrap();
    original(local.path());
    let before = description(local.path());
    let from = local.path().display();
    let place = Place::new();
    sh(
        place.path(),
        &format!("mv {from}/tree .; test ! -e {from}/tree"),
    );
    assert_same(&description(place.path()), &before);
    let place = place.fresh();
    sh(
        place.path(),
        "mkdir -p a/b; mv tree a/b/; mv a c; test ! -e tree; test ! -e a",
    );
    assert_same(&description(&place.at("c/b")), &before);
    let place = place.check_fresh();
    assert_same(&description(&place.at("c/b")), &before);
    sh(
        place.path(),
        &format!("mv c/b/tree {from}/; rmdir -p c/b; test -z \"$(ls -A)\""),
    );
    assert_same(&description(local.path()), &before);
    assert_eq!(place.check_fresh().tree().len(), 0);
}

#[test]
fn find_and_du_see_all_and_change_it() {
    let place = Place::new();
    sh(
        place.path(),
        "mkdir -p {a,b,c}/{x,y,z}; for d in */*; do for i in $(seq 20); do head -c 1000 /dev/zero > $d/$i.txt; done; done",
    );
    let place = place.fresh();
    let said = sh(
        place.path(),
        "find . -type f | wc -l; find . -type d | wc -l; find . -name '1*.txt' -size +900c | wc -l
         du -s --apparent-size -b . | cut -f1 | grep -qv '^0$'; du -a . | wc -l; ls -lR | grep -c txt
         find . -name '7.txt' -exec mv {} {}.moved \\;; find . -name '*.moved' | wc -l
         find a -type f -print0 | xargs -0 -P 4 -n 10 chmod 600; find a -perm 600 | wc -l
         find b -depth -delete; test ! -e b; chmod -R u=rwX,go= c; find c -type f -perm 600 | wc -l
         find . -empty -type d | wc -l; rm -r a/x; tree=$(ls -A a); echo $tree",
    );
    assert_eq!(said, "180\n13\n99\n193\n180\n9\n60\n60\n0\ny z");
    let fresh = place.check_fresh();
    assert_eq!(
        sh(
            fresh.path(),
            "find . -type f | wc -l; find c -type f -perm 600 | wc -l"
        ),
        "100\n60"
    );
}

#[test]
fn many_processes_work_in_one_tree() {
    let place = Place::new();
    sh(
        place.path(),
        "seq 40 | xargs -P 8 -I{} sh -ec 'mkdir -p t/{}; for i in 1 2 3 4 5; do
             echo {} $i > t/{}/tmp.$i; mv t/{}/tmp.$i t/{}/$i; cp t/{}/$i t/{}/copy.$i; rm t/{}/$i; done'
         find t -type f | wc -l | grep -qx 200",
    );
    let fresh = place.check_fresh();
    assert_eq!(sh(fresh.path(), "cat t/*/copy.* | sort -u | wc -l"), "200");
}
