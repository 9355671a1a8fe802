//! Recognition of this program's own processes, before `main`: every program with an annotated
//! function can be started again as one of them.
//!
//! A variable describes the role and the socket (see `role`). A variable that strayed in from
//! elsewhere has no such socket and does nothing; neither does one given to a program that has
//! more privileges than its user. A task of a cluster has a ticket instead of a socket (see `cluster/task`).
//!
//! Invariant: in a program that wasn't started by us, this reads one variable and returns.

mod constructor;

use crate::host::config;
use crate::local::role::Role;
use crate::local::{role, supervisor, sweeper, worker};
use crate::protocol::Channel;
use crate::{cluster, sys};

/// Runs before `main`. Returns unless this process is one of ours.
fn before_main() {
    let Some(value) = config::take_role() else {
        return;
    };
    if sys::secure_execution() {
        return;
    }
    if let Some(number) = value.to_str().and_then(role::task) {
        cluster::task(number);
    }
    let Some(description) = value.to_str().and_then(role::parse) else {
        return;
    };
    let Some(socket) = sys::take_descriptor(description.socket, description.inode) else {
        return;
    };
    // A copy that what this process starts doesn't inherit.
    let Ok(private) = sys::above_standard_streams(&socket) else {
        return;
    };
    drop(socket);
    match description.role {
        Role::Supervisor => supervisor::main(Channel::from(private)),
        Role::Sweeper => sweeper::main(&Channel::from(private)),
        Role::Worker => worker::main(&Channel::from(private)),
    }
}
