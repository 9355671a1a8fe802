//! Many bytes: several writers that check what they wrote, and a file of many parts.

use crate::place::Place;
use crate::run::sh;

/// Jobs of fio, each with a file of its own.
const JOBS: &str = "--name=job --directory=. --numjobs=4 --size=24m --bs=64k --ioengine=psync --fallocate=none \
                    --verify=crc32c --verify_fatal=1 --verify_state_save=0 --minimal";

#[test]
fn several_jobs_of_fio_find_their_checksums() {
    let place = Place::new();
    sh(
        place.path(),
        &format!("fio {JOBS} --rw=randwrite --end_fsync=1"),
    );
    let fresh = place.check_fresh();
    sh(
        fresh.path(),
        &format!("fio {JOBS} --rw=randwrite --verify_only=1; rm job.*"),
    );
    assert_eq!(fresh.tree().len(), 0);
}

#[test]
fn a_file_of_many_parts_keeps_its_checksum() {
    let place = Place::new();
    let large = "head -c 209715200 <(seq 30000000)";
    sh(
        place.path(),
        &format!("{large} > large; sha256sum large > sum"),
    );
    let fresh = place.check_fresh();
    sh(
        fresh.path(),
        &format!("test \"$({large} | sha256sum)\" = \"$(sha256sum < large)\"; sha256sum -c sum"),
    );
    sh(
        fresh.path(),
        "printf changed | dd of=large bs=1 seek=104857600 conv=notrunc status=none; mv large moved",
    );
    let fresh = fresh.check_fresh();
    sh(
        fresh.path(),
        &format!(
            "cmp -n 104857600 moved <({large})
             cmp -i 104857607:104857607 moved <({large}) && test \"$(stat -c %s moved)\" = 209715200
             test \"$(dd if=moved bs=1 skip=104857600 count=7 status=none)\" = changed"
        ),
    );
}
