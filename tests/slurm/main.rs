//! Calls on a real Slurm cluster, with its daemons on this machine (`scripts/slurm-cluster.sh`).
//!
//! - `calls`: values, errors, output and limits, which must equal those of a call on this machine
//! - `deaths`: of nodes, of the controller, of callers and of tasks; preemption
//! - `found`: calls that an earlier program started
//! - `secrets`: visibility of secrets
//! - `spools`: a bucket as the spool; an ordinary user
//! - `commands`: `stub run` and `stub jobs` with `--engine slurm`
//!
//! `turn` starts and ends each of them: nothing is left in the spool, in the queue, or among the
//! records.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "bodies and acts print what tests look for"
)]

mod calls;
mod commands;
mod deaths;
mod found;
mod secrets;
mod spools;
mod turn;
