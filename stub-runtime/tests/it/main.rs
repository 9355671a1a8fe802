//! Calls for real: supervisors, namespaces, workers. Each test leaves nothing behind, and checks.
//!
//! - `values`: what goes in and what comes back
//! - `endings`: every way a body can end
//! - `environment`: what a body finds around it
//! - `isolation`: what a hostile job can reach of its user's session
//! - `isolation_attacks`: ways past what hides the host from a hostile job
//! - `concurrency`: threads, nesting, async
//! - `death`: `kill -9` of each process, background processes
//! - `commands`: programs instead of functions
//! - `volumes`: buckets as folders
//! - `nesting`: buckets as folders in each other
//! - `storing`: what is written, and what deaths leave of it
//! - `closing`: which `close` is the last one
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
