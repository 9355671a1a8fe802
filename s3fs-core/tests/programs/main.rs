//! What programs do with a file system, on a mounted bucket: every idiom by itself, programs that people
//! use, and two suites of other people's that look for what is wrong with a file system.
//!
//! Each test has a bucket of its own. With `STUB_PROGRAMS_ON=FOLDER` the same tests run in that folder
//! instead, which shows that they demand nothing that a local disk does not do. With `STUB_PROGRAMS_BUCKET=NAME`
//! they run on that bucket, below a prefix of each test's own, with the endpoint and the keys of the AWS
//! variables of the environment: `scripts/test-servers.sh` does so on servers of other vendors.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot be set up fails"
)]

mod faults;
mod fsx;
mod idioms;
#[allow(dead_code, reason = "the other target uses all of it")]
#[path = "../kernel/mount.rs"]
mod mount;
#[allow(dead_code, reason = "the other target uses all of it")]
#[path = "../kernel/mounted.rs"]
mod mounted;
mod pjdfstest;
mod place;
mod programs;
mod run;
mod seed;
#[path = "../kernel/serve.rs"]
mod serve;
mod tools;
mod tree;
