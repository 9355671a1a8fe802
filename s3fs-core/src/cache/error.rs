//! Why a folder is not used as a cache.

use std::path::PathBuf;

/// Why a folder is refused as a cache; the text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Something else has that name.
    #[error("the cache `{}` is not a folder: give the path of one, or of nothing", dir.display())]
    NotAFolder {
        /// What was given.
        dir: PathBuf,
    },
    /// Another user could put bytes into it.
    #[error(
        "the cache folder `{dir}` belongs to user {owner}, not to user {user} who mounts: give \
         another folder, or run `chown {user} {dir}`",
        dir = dir.display()
    )]
    Owner {
        /// The folder.
        dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who mounts.
        user: u32,
    },
    /// Other users could read the objects, or change them.
    #[error(
        "the cache folder `{dir}` is open to other users (mode {mode:03o}), and objects would be \
         too: run `chmod 700 {dir}`, or give another folder",
        dir = dir.display()
    )]
    Mode {
        /// The folder.
        dir: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}
