//! Objects for the workloads.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Workload;
use crate::bucket::{self, Bucket};
use crate::scale::Scale;

/// Key of the only file of a workload.
pub const FILE: &str = "file";

/// Size in bytes of a file with dense or backward reads.
pub const MIDDLING: u64 = 64 << 20;

/// Size in bytes of a file that is read in blocks.
pub const IN_BLOCKS: u64 = 256 << 20;

/// Number of readers of [`Workload::Readers`].
pub const READERS: u32 = 4;

/// Number of files of [`Workload::Small`] and [`Workload::Handles`], and their size in bytes.
pub const SMALL_FILES: u32 = 1000;
pub const SMALL: u64 = 16 << 10;

/// Number of files of [`Workload::Stalled`]: so few reads of each that none is fetched as a whole.
pub const STALLED_FILES: u32 = 100;

/// Bodies of which [`Workload::Stalled`] stalls one, and its time.
const ONE_IN: u32 = 100;
const STALL: Duration = Duration::from_secs(10);

/// Number of files of [`Workload::SmallSlow`].
pub const SLOW_FILES: u32 = 200;

/// Number of files that [`Workload::SmallWrite`] creates.
pub const WRITTEN_FILES: u32 = 300;

/// Number of entries of [`Workload::Stat`].
pub const ENTRIES: u32 = 5000;

/// Number of files of [`Workload::Many`], and their size in bytes.
pub const MANY: u32 = 64;
pub const MANY_SIZE: u64 = 4 << 20;

/// Size in bytes of files that are listed, not read.
pub const LISTED: u64 = 100;

/// Number of files in each folder of a tree.
pub const FILES_OF_FOLDER: u32 = 10;

/// Prefix of numbered keys; in a mount it is a folder and the beginning of the file names.
const NUMBERED: &str = "folder/file-";

impl Workload {
    /// Replaces the bucket's content by the objects of this workload.
    pub fn fill(self, bucket: &mut Bucket, scale: Scale) -> io::Result<()> {
        bucket.clear()?;
        match self {
            Self::Write | Self::SmallWrite | Self::Untar => Ok(()),
            Self::Read
            | Self::Again
            | Self::Cached
            | Self::Random
            | Self::Unaligned
            | Self::UnalignedLarge
            | Self::Strided
            | Self::Columns
            | Self::Mmap => bucket.put(FILE, scale.size),
            Self::Stalled => {
                bucket.repeat(NUMBERED, STALLED_FILES, scale.size)?;
                bucket.stall(ONE_IN, STALL)
            }
            Self::Dense | Self::Backward => bucket.put(FILE, MIDDLING),
            Self::Blocks | Self::BlocksLarge | Self::BlocksShared | Self::BlocksMmap => {
                bucket.put(FILE, IN_BLOCKS)
            }
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

    /// Returns the bytes that a run moves, if it moves whole files.
    pub fn bytes(self, scale: Scale) -> Option<u64> {
        match self {
            Self::Read | Self::Again | Self::Cached | Self::Mmap | Self::Write => Some(scale.size),
            Self::Readers => Some(share(scale.size) * u64::from(READERS)),
            Self::Backward => Some(MIDDLING),
            Self::Blocks | Self::BlocksLarge | Self::BlocksShared | Self::BlocksMmap => {
                Some(IN_BLOCKS)
            }
            _ => None,
        }
    }
}

/// Returns the folder of a mount with all files to be listed.
pub fn folder(mount: &Path) -> PathBuf {
    mount.join("folder")
}

/// Returns the path of a numbered file.
pub fn numbered(mount: &Path, n: u32) -> PathBuf {
    mount.join(bucket::nth_key(NUMBERED, n))
}

/// Returns the bytes that each of several readers reads, in whole MiB.
pub fn share(size: u64) -> u64 {
    (size / u64::from(READERS)) >> 20 << 20
}

/// Returns the number of files in the tree.
pub fn files_of_tree(scale: Scale) -> u32 {
    scale.folders * FILES_OF_FOLDER
}

/// Fails unless the number of files is as expected.
pub fn expect(found: u64, count: u32) -> io::Result<()> {
    if found == u64::from(count) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{found} files instead of {count}"
    )))
}

/// Returns the folders of a two-level tree with about equally many folders on both levels.
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
