//! Calls on a cluster. The caller writes the call's data to a *spool*, a scheduler that the cluster
//! already has starts *tasks*, and the tasks' values come back through the spool.
//!
//! A task is this program again, on a node. It runs its *batch* of inputs as the caller would have
//! run them on its own machine: with the same sandboxes, the same retries, the same errors.
//!
//! Without I/O: `names` (of objects in the spool), `format` (of these objects), `ticket` (input of
//! a task from its script), `sizes` (inputs per task), `state` (of inputs and batches), `script`
//! (started by a scheduler). `seal` encrypts, `spool` stores, `program` brings this program to the
//! nodes, and `record` lets a later caller find the call. `driver` is the thread that does what
//! `state` decides. `remote` is its caller's view, `controls` that of other threads, and `attached`
//! reattaches to an earlier call. `task` is the node's side. A scheduler is a `Scheduler`: `slurm`,
//! `kubernetes`.

mod attached;
mod controls;
mod driver;
mod error;
mod format;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod names;
mod open;
mod program;
mod record;
mod remote;
mod scheduler;
mod script;
mod seal;
#[cfg(test)]
mod simulation;
mod sizes;
mod slurm;
mod spool;
mod state;
mod task;
mod ticket;

pub(crate) use attached::{Attached, attach, kept};

pub(crate) use controls::Controls;
pub(crate) use remote::{Remote, Written};
pub(crate) use task::main as task;
