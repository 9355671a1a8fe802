//! The file system through a real kernel mount, on a real S3 server over HTTP.
//!
//! Needs `/dev/fuse` and either root or `fusermount3`. Each module is a family of operations.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot be set up fails"
)]

mod ahead;
mod blocks;
mod cache;
mod connecting;
mod courses;
mod directory;
mod environment;
mod fake;
mod faults;
mod frozen;
mod kept;
mod listing;
mod listing_copies;
mod memory;
mod mount;
mod mounted;
mod names;
mod noisy;
mod numbers;
mod outages;
mod passthrough;
mod permissions;
mod properties;
mod proxies;
mod reading;
mod removing;
mod renaming;
mod renewed;
mod replaced;
mod roles;
mod serve;
mod sparse;
mod stalled;
mod storing;
mod sts;
mod tls;
mod vendors;
mod warm;
mod writing;
