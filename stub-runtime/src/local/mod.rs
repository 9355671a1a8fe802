//! Calls on this machine: the processes of a call, each of which has a folder, and what their
//! sandboxes are made of.

pub(crate) mod caller;
mod doctor;
mod entry;
mod init;
pub(crate) mod interrupt;
mod limits;
mod role;
mod sandbox;
mod supervisor;
mod sweeper;
mod worker;

pub use caller::Canceller;
pub use doctor::{Check, doctor};
pub use interrupt::{CtrlC, End, INTERRUPTED, ending_signals, until_interrupted};
