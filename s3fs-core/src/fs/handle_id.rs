//! Numbers of open handles.

/// Number of an open handle, never used again within a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandleId(pub u64);
