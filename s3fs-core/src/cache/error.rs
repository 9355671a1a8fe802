//! Errors of opening a folder as a cache.

use std::path::PathBuf;

/// Error of a folder that is refused as a cache; the text gives the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Path of something that is not a folder.
    #[error("the cache `{}` is not a folder\ngive the path of a folder, or of nothing", dir.display())]
    NotAFolder {
        /// Path as given.
        dir: PathBuf,
    },
    /// Folder of another user, who could put bytes into it.
    #[error(
        "the cache folder `{dir}` belongs to user {owner}, not to user {user} who mounts\n\
         give another folder, or run `chown {user} {dir}`",
        dir = dir.display()
    )]
    Owner {
        /// Path of the folder.
        dir: PathBuf,
        /// User ID of the folder's owner.
        owner: u32,
        /// User ID of the mounting process.
        user: u32,
    },
    /// Folder in which other users could read the objects, or change them.
    #[error(
        "the cache folder `{dir}` is open to other users (mode {mode:03o}), and objects would be \
         too\nrun `chmod 700 {dir}`, or give another folder",
        dir = dir.display()
    )]
    Mode {
        /// Path of the folder.
        dir: PathBuf,
        /// Permission bits of the folder.
        mode: u32,
    },
}
