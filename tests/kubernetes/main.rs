//! Calls on Kubernetes, on a simulated cluster. It has an API server that keeps to the documented
//! protocol and refuses everything else, a controller of Jobs, and a kubelet that runs pods as processes
//! with their own namespaces. Needs root, `/dev/fuse`, `curl` and `unshare`; skipped for other users.
//!
//! - `api`: API server: requests, valid objects, and faults
//! - `cluster`: objects and their changes; `jobs` is the controller, `kubelet` the node, `expand` the
//!   expansion of commands
//! - `world`: cluster with a bucket, for a test
//! - `acts`: callers, in their own process
//! - `stories`: successful calls; `troubles`: failures; `official`: manifests checked by the official
//!   schemas
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acts;
mod api;
mod cluster;
mod expand;
mod jobs;
mod kubelet;
mod official;
mod stories;
mod troubles;
mod world;
