//! Kinds of files.

/// Kind of file of an object. Devices are not included: their numbers differ between machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// Regular file.
    File,
    /// Folder.
    Dir,
    /// Symbolic link; the object's bytes are its target.
    Symlink,
    /// Named pipe.
    Fifo,
    /// Socket.
    Socket,
}
