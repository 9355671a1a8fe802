//! Programs on a mounted bucket: every file system idiom by itself, common programs, and two third-party
//! test suites for file systems.
//!
//! Each test has its own bucket. With `STUB_PROGRAMS_ON=FOLDER` the tests run in that folder instead, to
//! show that a local disk passes them too. With `STUB_PROGRAMS_BUCKET=NAME` they run on that bucket,
//! each below its own prefix, with the endpoint and the keys of the AWS variables of the environment:
//! `scripts/test-servers.sh` does so on servers of other vendors. With `STUB_PROGRAMS_DIRECTORY_BUCKET=1`
//! each test has a directory bucket (S3 Express One Zone).
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot be set up fails"
)]

mod directory;
mod faults;
mod fsstress;
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
