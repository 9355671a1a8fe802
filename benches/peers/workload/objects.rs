//! The objects that each workload needs.

use std::io;
use std::path::{Path, PathBuf};

use super::Workload;
use crate::bucket::{self, Bucket};
use crate::scale::Scale;

/// The key of the one file of a workload that needs one.
pub const FILE: &str = "file";

/// The size of a file in which reads are dense, or go backward.
pub const MIDDLING: u64 = 64 << 20;

/// The readers of [`Workload::Readers`].
pub const READERS: u32 = 4;

/// The files of [`Workload::Small`] and [`Workload::Handles`], and their size.
pub const SMALL_FILES: u32 = 1000;
pub const SMALL: u64 = 16 << 10;

/// The files of [`Workload::SmallSlow`].
pub const SLOW_FILES: u32 = 200;

/// The files that [`Workload::SmallWrite`] makes.
pub const WRITTEN_FILES: u32 = 300;

/// The entries of [`Workload::Stat`].
pub const ENTRIES: u32 = 5000;

/// The files of [`Workload::Many`], and their size.
pub const MANY: u32 = 64;
pub const MANY_SIZE: u64 = 4 << 20;

/// The size of files that are listed, not read.
pub const LISTED: u64 = 100;

/// The files in each folder of a tree.
pub const FILES_OF_FOLDER: u32 = 10;

/// The prefix of numbered keys, and the folder and the beginning of the names that it is in a mount.
const NUMBERED: &str = "folder/file-";

impl Workload {
    /// Makes the bucket what this workload needs, with nothing else in it.
    pub fn fill(self, bucket: &mut Bucket, scale: Scale) -> io::Result<()> {
        bucket.clear()?;
        match self {
            Self::Write | Self::SmallWrite | Self::Untar => Ok(()),
            Self::Read
            | Self::Again
            | Self::Cached
            | Self::Random
            | Self::Strided
            | Self::Columns
            | Self::Mmap => bucket.put(FILE, scale.size),
            Self::Dense | Self::Backward => bucket.put(FILE, MIDDLING),
            Self::Readers => bucket.fill(NUMBERED, READERS, share(scale.size)),
            Self::Small | Self::Handles => bucket.fill(NUMBERED, SMALL_FILES, SMALL),
            Self::SmallSlow => bucket.fill(NUMBERED, SLOW_FILES, SMALL),
            Self::Stat => bucket.fill(NUMBERED, ENTRIES, LISTED),
            Self::Ls | Self::LsL | Self::Du => bucket.fill(NUMBERED, scale.entries, LISTED),
            Self::Many => bucket.fill(NUMBERED, MANY, MANY_SIZE),
            Self::Start => bucket.fill("file-", FILES_OF_FOLDER, LISTED),
            Self::Find | Self::DuTree | Self::Rm => plant(bucket, scale.folders),
        }
    }

    /// How much a run moves, if it is whole files.
    pub fn bytes(self, scale: Scale) -> Option<u64> {
        match self {
            Self::Read | Self::Again | Self::Cached | Self::Mmap | Self::Write => Some(scale.size),
            Self::Readers => Some(share(scale.size) * u64::from(READERS)),
            Self::Backward => Some(MIDDLING),
            _ => None,
        }
    }
}

/// The folder of a mount that has everything that is listed.
pub fn folder(mount: &Path) -> PathBuf {
    mount.join("folder")
}

/// One of the numbered files.
pub fn numbered(mount: &Path, n: u32) -> PathBuf {
    mount.join(bucket::nth_key(NUMBERED, n))
}

/// The bytes of each of several readers, in whole MiB.
pub fn share(size: u64) -> u64 {
    (size / u64::from(READERS)) >> 20 << 20
}

/// How many files there are in the tree.
pub fn files_of_tree(scale: Scale) -> u32 {
    scale.folders * FILES_OF_FOLDER
}

/// Fails unless there are as many as there should be.
pub fn expect(found: u64, count: u32) -> io::Result<()> {
    if found == u64::from(count) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{found} files instead of {count}"
    )))
}

/// The folders of a tree of two levels, as many folders in a folder as there are such folders.
pub fn folders_of_tree(folders: u32) -> impl Iterator<Item = String> {
    let side = folders.isqrt().max(1);
    (0..folders).map(move |n| format!("folder/{:04}/{:04}", n / side, n % side))
}

fn plant(bucket: &mut Bucket, folders: u32) -> io::Result<()> {
    for folder in folders_of_tree(folders) {
        bucket.fill(&format!("{folder}/file-"), FILES_OF_FOLDER, LISTED)?;
    }
    Ok(())
}
