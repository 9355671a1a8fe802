//! Calls on Kubernetes, as its users have them, on a cluster of our own: an API server that keeps to what is
//! documented of the protocol and refuses everything else, a controller of Jobs, and a kubelet that runs pods as
//! processes with namespaces of their own. Needs root, `/dev/fuse`, `curl` and `unshare`; skipped for other users.
//!
//! - `api`: the server: requests, what objects may be, and what goes wrong at times
//! - `cluster`: the objects, and who changes them; `jobs` is the controller, `kubelet` the node, `expand` how it reads
//!   commands
//! - `world`: a cluster with a bucket, for a test
//! - `acts`: what runs in a process of its own: a caller
//! - `stories`: what goes well; `troubles`: what goes wrong; `official`: manifests by the official schemas
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
