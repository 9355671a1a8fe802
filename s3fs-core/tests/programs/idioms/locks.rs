//! Locks between processes.

use std::fs;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{create, errno, open};
use crate::place::Place;
use crate::run::{python, sh};

#[test]
fn a_file_is_locked_against_other_handles_and_processes() {
    let place = Place::new();
    let file = create(&place.at("lock"));
    flock(&file, FlockOperation::LockExclusive).unwrap();
    let other = open(&place.at("lock"));
    let refused = flock(&other, FlockOperation::NonBlockingLockShared);
    assert_eq!(errno(refused), Errno::WOULDBLOCK);
    let refused = sh(
        place.path(),
        "flock -n lock true && echo got || echo refused",
    );
    assert_eq!(refused, "refused");
    flock(&file, FlockOperation::LockShared).unwrap();
    flock(&other, FlockOperation::NonBlockingLockShared).unwrap();
    drop(other);
    drop(file);
    assert_eq!(sh(place.path(), "flock -n lock echo got"), "got");
}

#[test]
fn a_counter_that_processes_lock_loses_nothing() {
    let place = Place::new();
    let counted = sh(
        place.path(),
        "echo 0 > counter
         count() {
             for i in $(seq 40); do
                 flock lock sh -c 'n=$(cat counter); echo $((n + 1)) > counter'
             done
         }
         count & one=$!; count & two=$!
         wait $one; wait $two
         cat counter",
    );
    assert_eq!(counted, "80");
    place.check_fresh();
}

#[test]
fn ranges_are_locked_against_other_processes() {
    let place = Place::new();
    fs::write(place.at("data"), vec![0; 100]).unwrap();
    let said = python(
        place.path(),
        "
import fcntl, os
file = open('data', 'r+b')
fcntl.lockf(file, fcntl.LOCK_EX, 10, 20)
def child(start, how):
    pid = os.fork()
    if pid == 0:
        mine = open('data', 'r+b')
        try:
            fcntl.lockf(mine, how | fcntl.LOCK_NB, 10, start)
        except BlockingIOError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(child(0, fcntl.LOCK_EX), child(25, fcntl.LOCK_EX), child(25, fcntl.LOCK_SH))
fcntl.lockf(file, fcntl.LOCK_SH, 10, 20)
print(child(25, fcntl.LOCK_EX), child(25, fcntl.LOCK_SH))
fcntl.lockf(file, fcntl.LOCK_UN, 10, 20)
print(child(25, fcntl.LOCK_EX))
",
    );
    assert_eq!(said, "0 1 1\n1 0\n0");
}

#[test]
fn one_who_waits_for_a_range_gets_it() {
    let place = Place::new();
    let said = python(
        place.path(),
        "
import fcntl, os
file = open('data', 'w+b')
fcntl.lockf(file, fcntl.LOCK_EX)
ready, say = os.pipe()
pid = os.fork()
if pid == 0:
    mine = open('data', 'r+b')
    os.write(say, b'x')
    fcntl.lockf(mine, fcntl.LOCK_EX)
    mine.seek(0, 2)
    mine.write(b'child')
    mine.close()
    os._exit(0)
os.read(ready, 1)
file.write(b'parent ')
file.flush()
fcntl.lockf(file, fcntl.LOCK_UN)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
print(open('data').read())
",
    );
    assert_eq!(said, "parent child");
}
