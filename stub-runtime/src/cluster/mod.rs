//! Calls on a cluster: what a call carries is put into a *spool*, a scheduler that the cluster already has starts
//! *tasks*, and what they give comes back through the spool.
//!
//! A task is this program again, on a node. It runs its *batch* of inputs as the caller would have run them on its
//! own machine: with the same sandboxes, the same retries, the same errors.
//!
//! Without I/O: `names` (what is called how in the spool), `format` (what is in it), `ticket` (what a script hands to a
//! task), `sizes` (how many inputs a task gets), `state` (what becomes of inputs and batches), `script` (what a
//! scheduler starts). `seal` encrypts, `spool` stores, `program` brings this program to the nodes, `record` is what a
//! caller that comes back finds its call by. `driver` is the thread that does what `state` decides; `remote` is how its
//! caller sees it, `controls` what others can do about it, `attached` takes up an earlier call. `task` is the node's
//! side. A scheduler is a `Scheduler`: `slurm`, `kubernetes`.

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
