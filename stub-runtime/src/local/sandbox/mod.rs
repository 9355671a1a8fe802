//! Sandbox of a job: decisions (`plan`, `diagnosis`), facts that they need (`site`, `host`), and
//! actions (`identity`, `mirror`, `apply`).
//!
//! It is built by the job's first process, inside new namespaces. The supervisor, which serves
//! the file systems, stays outside and so cannot touch what it serves.

mod apply;
mod believed;
mod diagnosis;
mod hidden;
mod hide;
mod host;
mod identity;
mod mirror;
mod plan;
mod site;

pub(crate) use apply::{Mounted, inner_folders, mount_bucket, prepare, unmount};
pub(crate) use diagnosis::explain;
pub(crate) use host::{needs_user_namespace, threads};
pub(crate) use identity::keep_identity;
