//! Role of a process of this program, in one variable of its environment: the role, the number of
//! an inherited socket, and the socket's inode.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use crate::sys::{self, SysError};

/// Role of a process of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Supervisor, with its socket as standard input.
    Supervisor,
    /// Sweeper, with its socket as standard input.
    Sweeper,
    /// Worker, with its socket under the number it had.
    Worker,
}

/// Content of the variable, parsed but not yet verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) role: Role,
    pub(crate) socket: RawFd,
    pub(crate) inode: u64,
}

impl Role {
    /// Returns the variable's value for a process in this role that inherits this socket.
    pub(crate) fn describe(self, socket: &impl AsFd) -> Result<String, SysError> {
        let number = match self {
            Self::Supervisor | Self::Sweeper => 0,
            Self::Worker => socket.as_fd().as_raw_fd(),
        };
        Ok(format!("{}:{number}:{}", self.name(), sys::inode(socket)?))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Sweeper => "sweeper",
            Self::Worker => "worker",
        }
    }
}

/// Returns the number of the task, if the variable says that this process is one of a cluster's.
pub(crate) fn task(value: &str) -> Option<&str> {
    value.strip_prefix("task:")
}

/// Parses the variable's value.
pub(crate) fn parse(value: &str) -> Option<Description> {
    let mut parts = value.split(':');
    let word = parts.next()?;
    let role = [Role::Supervisor, Role::Sweeper, Role::Worker]
        .into_iter()
        .find(|role| role.name() == word)?;
    let (socket, inode) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(Description {
        role,
        socket,
        inode,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_description_is_understood() {
        let whole = Description {
            role: Role::Worker,
            socket: 5,
            inode: 77,
        };
        assert_eq!(parse("worker:5:77"), Some(whole));
        for stray in [
            "",
            "1",
            "worker",
            "worker:5",
            "worker:5:x",
            "worker:5:7:9",
            "init:5:7",
        ] {
            assert_eq!(parse(stray), None, "{stray}");
        }
    }
}
