//! The first process of the job's namespaces, as the supervisor holds it.

use s3fs_core::PidNamespace;

use crate::protocol::Channel;

/// The job's first process.
#[derive(Debug)]
pub(super) struct Init {
    pub(super) pid: i32,
    pub(super) channel: Channel,
}

impl Init {
    /// Pid namespace that it is the first process of.
    pub(super) fn namespace(&self) -> PidNamespace {
        PidNamespace::Child {
            init: self.pid.unsigned_abs(),
        }
    }
}
