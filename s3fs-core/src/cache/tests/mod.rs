//! Tests of the cache over a bucket in memory: the requests that it saves, and that damage to its
//! folder never produces wrong bytes.

#![allow(
    clippy::unwrap_used,
    reason = "what a test expects to succeed is unwrapped"
)]

mod bounds;
mod client;
mod damage;
mod folder;
mod headers;
mod saving;
mod sharing;
mod whole;

const MIB: u64 = 1 << 20;
