//! Starting this program again, as one of our own processes.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::host::config;
use crate::local::role::Role;
use crate::protocol::Channel;

/// Starts this program again in a role. The socket takes the place of standard input, which is sent
/// through it: so no descriptor must be made inheritable in a process with other threads.
/// Credentials are sent through it, too, as others may read the environment.
pub(super) fn start(role: Role, title: String, socket: Channel) -> io::Result<Child> {
    let description = role.describe(&socket)?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(title)
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .env(config::ROLE, description);
    for name in config::kept_from_jobs() {
        command.env_remove(name);
    }
    command.spawn()
}
