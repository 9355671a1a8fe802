//! An S3 server inside your process, on the loopback interface, for examples, tests and benchmarks.
//!
//! ```
//! use s3_local::S3Local;
//!
//! let server = S3Local::builder().start();
//! server.create_bucket("data");
//! server.put("data", "greeting", "hello");
//!
//! // Give these to the S3 client of your choice:
//! let _ = (server.endpoint_url(), server.access_key_id(), server.secret_access_key());
//! # assert_eq!(server.keys("data"), ["greeting"]);
//! ```
//!
//! The server stops when it is dropped. It needs no async runtime around it and doesn't mind one.
//!
//! # What it is faithful in
//!
//! Wherever a client, or a file system made of one, can tell the difference: any key of up to 1024 bytes
//! in one flat namespace, strong consistency, signatures and error codes, both versions of listing in the
//! order of the keys' bytes, ranges and conditions, multipart uploads with their rules, copies, user
//! metadata, checksums in headers and trailers, regions, requester-pays and public buckets.
//!
//! A bucket whose name ends in `--x-s3` is a directory bucket, with the rules of S3 Express One Zone:
//! sessions ([`Server::end_sessions`], [`Knobs::set_session_lifetime`]), listings in no order and of
//! folders alone, `ETag`s that are no hashes, parts with consecutive numbers, appends and renames. What
//! such buckets don't have is refused.
//!
//! # What it has beyond S3
//!
//! - [`Server::log`]: every request, and how many there were of each operation;
//! - [`Server::knobs`]: latency, bandwidth, faults, and the quirks of other servers, changed while it
//!   runs;
//! - [`Builder::access_key`]: further keys with a [`Policy`] in the terms of IAM.
//!
//! # What it does not have
//!
//! Versions, ACLs, tags, object locks, encryption, lifecycles, websites, TLS and virtual-hosted-style
//! addresses. S3 computes a CRC64 for every object; here an object has the checksum it was sent with.
//! A malformed `Range` header is an error instead of being ignored.

mod access;
mod api;
mod builder;
mod catalog;
mod content;
mod digest;
mod error;
mod http;
mod knobs;
mod log;
mod objects;
mod operation;
mod options;
mod query;
mod random;
mod server;
mod storage;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;

pub use access::Policy;
pub use api::Etags;
pub use builder::{Builder, S3Local};
pub use error::Error;
pub use knobs::{Chance, Fault, Injection, Knobs, Quirk};
pub use log::{Request, RequestLog};
pub use operation::Operation;
pub use options::{BucketOptions, PutOptions};
pub use server::Server;
