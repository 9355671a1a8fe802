//! Limits on a job's use of the machine. `plan` decides how they are enforced, without I/O;
//! `cgroup` has the kernel enforce them for all processes of a job together.

mod cgroup;
mod plan;

pub(crate) use cgroup::{Cgroup, remove_left};
pub(crate) use plan::{Facts, Plan, plan};
