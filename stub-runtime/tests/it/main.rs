//! Tests of calls with real supervisors, namespaces and workers. Each test checks that it leaves nothing
//! behind.
//!
//! - `values`: arguments and values
//! - `endings`: every way a body can end
//! - `environment`: environment of a body
//! - `isolation`: isolation of a hostile job from its user's session
//! - `isolation_attacks`: attacks of a hostile job on the isolation from the host
//! - `concurrency`: threads, nested calls, async
//! - `death`: `kill -9` of each process, background processes
//! - `commands`: programs instead of functions
//! - `volumes`: buckets as folders
//! - `nesting`: volumes inside other volumes
//! - `storing`: storing of written data, and its state after a death
//! - `closing`: detection of the last `close`
//! - `as_nobody`: all of these as an ordinary user
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod as_nobody;
mod closing;
mod commands;
mod concurrency;
mod death;
mod endings;
mod environment;
mod harness;
mod isolation;
mod isolation_attacks;
mod nesting;
mod storing;
mod values;
mod volumes;
