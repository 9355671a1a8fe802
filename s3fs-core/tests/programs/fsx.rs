//! `fsx`: random operations of every kind on one file, with a comparison of each byte read.

use std::process::Command;

use crate::place::Place;
use crate::run::finish;
use crate::seed;
use crate::tools::tool;

/// Length in bytes of a file that is sent in one piece.
const SMALL: u64 = 600_000;

/// Length in bytes of a file that is sent and fetched in parts.
const LARGE: u64 = 12_000_000;

/// Returns the sizes and weights of the operations. Each store sends the whole file, a large one in
/// parts. No operation has a length of zero: `posix_fallocate` refuses it on all file systems.
fn configuration(length: u64) -> String {
    let (longest, stored) = if length == SMALL {
        (65_536, 0.2)
    } else {
        (400_000, 0.02)
    };
    format!(
        "
flen = {length}
[opsize]
max = {longest}
min = 1
[weights]
close_open = {stored}
fsync = {stored}
fdatasync = {stored}
invalidate = 1
read = 10
write = 10
mapread = 10
mapwrite = 10
truncate = 2
posix_fallocate = 2
punch_hole = 4
sendfile = 3
posix_fadvise = 1
copy_file_range = 5
"
    )
}

/// Runs operations on a file of at most this length; then the object and a fresh mount must agree.
#[allow(clippy::print_stdout, reason = "a failure is repeated with the seed")]
fn exercise(length: u64, operations: u32, seed: u64) {
    println!("seed {seed}");
    let Some(fsx) = tool("bin/fsx") else {
        return;
    };
    let place = Place::new();
    let about = tempfile::tempdir().unwrap();
    let file = about.path().join("fsx.toml");
    std::fs::write(&file, configuration(length)).unwrap();
    let mut command = Command::new(fsx);
    command.arg("-f").arg(&file).arg("-P").arg(about.path());
    command.args(["-N", &operations.to_string(), "-S", &seed.to_string()]);
    finish(command.arg(place.at("file")));
    place.check_fresh();
}

#[test]
fn a_small_file_is_right_after_any_operations() {
    exercise(SMALL, 45_000, 1);
}

#[test]
fn a_small_file_is_right_after_operations_never_seen_before() {
    exercise(SMALL, 45_000, seed::random());
}

#[test]
fn a_large_file_is_right_after_any_operations() {
    exercise(LARGE, 6_000, 2);
}

#[test]
fn a_large_file_is_right_after_operations_never_seen_before() {
    exercise(LARGE, 6_000, seed::random());
}
