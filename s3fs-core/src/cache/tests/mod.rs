//! The cache over a bucket in memory: what it saves, and that nothing that happens to its folder
//! makes wrong bytes of it.

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
