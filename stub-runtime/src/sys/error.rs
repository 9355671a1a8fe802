//! A failed system call.

pub(crate) use nix::errno::Errno;

/// The result of a system call.
pub(crate) type Result<T> = std::result::Result<T, SysError>;

/// Error of a system call, with its arguments.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {}", .errno.desc())]
pub(crate) struct SysError {
    /// `mount(/dev/x, /y)`.
    pub(crate) call: String,
    /// Error number.
    pub(crate) errno: Errno,
}

impl SysError {
    pub(super) fn new(call: impl Into<String>) -> impl FnOnce(Errno) -> Self {
        let call = call.into();
        move |errno| Self { call, errno }
    }

    pub(super) fn last(call: impl Into<String>) -> Self {
        Self {
            call: call.into(),
            errno: Errno::last(),
        }
    }
}

impl From<SysError> for std::io::Error {
    fn from(error: SysError) -> Self {
        Self::new(std::io::Error::from(error.errno).kind(), error)
    }
}
