//! Tests of the public interface, with a server in the test's own process. They need `/dev/fuse`, and
//! user namespaces or root.
//!
//! - `files`: reading and writing the files of a bucket
//! - `values`: arguments and values, large ones and async functions
//! - `chains`: errors with their causes, as programs print them
//! - `endings`: failures of a call, and their error messages
//! - `asked`: secrets from functions that are asked again
//! - `environment`: secrets, and the visibility of credentials
//! - `concurrency`: many threads, nested calls
//! - `folders`: mount points of volumes
//! - `refusals`: buckets, endpoints and credentials that are wrong
//! - `command_line`: output and exit status of a program with `stub::cli`
//! - `iterating`: functions that return iterators
//! - `machine`: machines that forbid a sandbox
//! - `mapping`: a function over many inputs
//! - `durable`: maps that write to a volume, and inputs that share a request to store
//! - `options`: variables, working folder, network, retries
//! - `seeing`: pages, metrics, bars and spans
//! - `spawning`: calls beside their caller
//! - `streaming`: functions that return streams
//! - `stress`: many inputs and calls with crashes, timeouts and cancellations
//! - `death`: `kill -9` of caller, supervisor and worker
//! - `examples`: the examples, as root and as an ordinary user
//! - `foreign`: another project's S3 server
//! - `as_nobody`: all of these as an ordinary user
//!
//! `deeds` has the bodies of several of them. A test begins with [`stub_test_support::Clean`], which checks for
//! leftovers at its end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod act;
mod as_nobody;
mod asked;
mod bucket;
mod cached;
mod chains;
mod command_line;
mod concurrency;
mod death;
mod deeds;
mod durable;
mod endings;
mod environment;
mod examples;
mod files;
mod folders;
mod foreign;
mod iterating;
mod machine;
mod mapping;
mod options;
mod refusals;
mod seeing;
mod spawning;
mod streaming;
mod stress;
mod values;
