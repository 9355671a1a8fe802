//! What calls did over time: recorded in bounded memory.
#![allow(dead_code, unused_imports, reason = "wired by the next change")]

mod attempts;
mod bins;
mod cut;
mod record;
mod samples;
mod sandboxes;
mod tally;

pub(crate) use record::{Record, Tried};
pub(crate) use samples::Pending;
pub(crate) use sandboxes::SandboxId;
