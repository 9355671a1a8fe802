//! cp, mv, dd and similar programs, on files.

use crate::place::Place;
use crate::run::sh;

#[test]
fn dd_writes_into_the_middle_and_cuts() {
    let place = Place::new();
    sh(
        place.path(),
        "head -c 20000000 <(seq 3000000) > a; cp a want
         printf hello | dd of=a bs=1 seek=12345678 conv=notrunc status=none
         test \"$(stat -c %s a)\" = 20000000; test \"$(dd if=a bs=1 skip=12345678 count=5 status=none)\" = hello
         dd if=want of=a bs=1 skip=12345678 seek=12345678 count=5 conv=notrunc status=none; cmp a want
         dd if=a of=b bs=1M skip=3 seek=5 count=4 status=none; test \"$(stat -c %s b)\" = 9437184
         cmp -n 4194304 -i 3145728:5242880 a b; cmp -n 5242880 b /dev/zero
         dd if=want of=c bs=64K conv=fsync,sparse oflag=append conv=notrunc status=none; cmp c want
         dd if=/dev/zero of=c bs=1M count=1 status=none; test \"$(stat -c %s c)\" = 1048576",
    );
    place.check_fresh();
}

#[test]
fn truncate_and_fallocate_set_lengths() {
    let place = Place::new();
    sh(
        place.path(),
        "seq 100000 > a; truncate -s 1000 a; truncate -s +5000 a; truncate -s '<3M' a; truncate -s 50M b
         fallocate -l 12M c; fallocate -p -o 4096 -l 8192 c; fallocate -n -l 20M c; fallocate -x -l 1M d
         echo end >> b; stat -c %s a b c d",
    );
    let fresh = place.check_fresh();
    let said = sh(fresh.path(), "stat -c %s a b c d; tail -c 4 b");
    assert_eq!(said, "6000\n52428804\n12582912\n1048576\nend");
}

#[test]
fn a_file_is_split_and_put_together() {
    let place = Place::new();
    sh(
        place.path(),
        "seq 2000000 > whole; split -b 3M whole part.; cat part.* > again; cmp whole again
         split -n l/7 whole line.; cat line.* | cmp - whole; cat whole >> again
         test \"$(stat -c %s again)\" = $((2 * $(stat -c %s whole)))
         head -n 1000 whole > head; tail -n 1000 whole > tail; cat head tail | tee t1 t2 > /dev/null; cmp t1 t2
         tee -a t1 < head > /dev/null; csplit -sz -n 3 t2 '/^500$/' '{*}'; cat xx* | cmp - t2
         comm -12 <(sort head) <(sort t1) | wc -l | grep -qx 1000; rm part.* line.*",
    );
    place.check_fresh();
}

#[test]
fn copies_keep_what_they_are_told_to() {
    let place = Place::new();
    sh(
        place.path(),
        "seq 1000 > a; chmod 751 a; touch -d '2004-04-04 04:04:04.4' a; setfattr -n user.tag -v value a
         cp -p a p; cp a plain; cp --preserve=all a all; cp --sparse=always a sparse; install -m 600 a i
         cp -u a p; cp -b a p; cp --remove-destination a plain; cp -f a i
         test \"$(getfattr --only-values -n user.tag all)\" = value
         stat -c '%n %a %y' p all | sort",
    );
    let fresh = place.check_fresh();
    let said = sh(
        fresh.path(),
        "for f in p plain all sparse i; do cmp a $f; done; stat -c '%n %a %y' all
         getfattr --only-values -n user.tag all",
    );
    assert_eq!(said, "all 751 2004-04-04 04:04:04.400000000 +0000\nvalue");
}

#[test]
fn a_file_moves_in_and_out() {
    let place = Place::new();
    let local = tempfile::tempdir().unwrap();
    let out = local.path().display();
    sh(
        place.path(),
        &format!(
            "seq 2000000 > {out}/a; chmod 640 {out}/a; touch -d 2004-04-04 {out}/a; sha256sum < {out}/a > sum
             mv {out}/a a; test ! -e {out}/a; sha256sum < a | cmp - sum; mv a b; mv -n sum b; mv b {out}/b
             sha256sum < {out}/b | cmp - sum; cp -p {out}/b b; mv -f b sum.of; stat -c '%a %y' sum.of"
        ),
    );
    let fresh = place.check_fresh();
    let said = sh(
        fresh.path(),
        "stat -c '%a %y' sum.of; sha256sum < sum.of | cmp - sum",
    );
    assert_eq!(said, "640 2004-04-04 00:00:00.000000000 +0000");
}
