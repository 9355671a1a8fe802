//! Calls on this machine: the processes of a call, each of which has a folder, and what their
//! sandboxes are made of.

pub(crate) mod caller;
mod demands;
mod doctor;
mod init;
pub(crate) mod interrupt;
mod keys;
mod limits;
pub(crate) mod role;
mod sandbox;
pub(crate) mod supervisor;
pub(crate) mod sweeper;
pub(crate) mod worker;

pub use caller::Canceller;
pub use demands::Demands;
pub use doctor::{Check, doctor};
pub use interrupt::{CtrlC, INTERRUPTED, Interruptible, ending_signals, until_interrupted};
