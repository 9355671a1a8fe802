//! Workloads on a mount, run by a fresh process that knows nothing but a folder.

mod blocks;
mod crowd;
mod family;
mod listing;
mod mapped;
mod objects;
mod scattered;
mod sequential;
mod small;
mod stalled;
mod times;
mod tree;

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use nix::time::{ClockId, clock_gettime};

use crate::scale::Scale;
pub use blocks::read_shared;
pub use family::Family;
pub use objects::FILE;
pub use times::{Reads, Times};

/// Workload on a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    Read,
    Readers,
    Write,
    Random,
    Unaligned,
    UnalignedLarge,
    Stalled,
    Dense,
    Backward,
    Strided,
    Columns,
    Blocks,
    BlocksLarge,
    BlocksShared,
    BlocksMmap,
    Mmap,
    Small,
    SmallSlow,
    Stat,
    Ls,
    LsL,
    Du,
    Find,
    DuTree,
    Again,
    Many,
    Handles,
    Start,
    Cached,
    SmallWrite,
    Untar,
    Rm,
}

/// Procedure of a run: number of repetitions, and the start and end of the measurement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Procedure {
    Once,
    /// Twice in the same mount; the second run counts.
    Twice,
    /// From the start of the mounting program.
    WhileMounting,
    /// In a second mount, with the cache on disk that the first one left.
    FromCache,
    /// Until the end of the mounting program: then everything is stored.
    UntilStored,
}

impl Workload {
    /// Returns the procedure of a run.
    pub fn procedure(self) -> Procedure {
        match self {
            Self::Again => Procedure::Twice,
            Self::Start => Procedure::WhileMounting,
            Self::Cached => Procedure::FromCache,
            Self::SmallWrite | Self::Untar | Self::Rm => Procedure::UntilStored,
            _ => Procedure::Once,
        }
    }

    /// Returns the key of the object that the workload creates.
    pub fn writes(self) -> Option<&'static str> {
        (self == Self::Write).then_some("written")
    }

    /// Returns the expected number of files at the end, where it is checked.
    pub fn leaves(self, scale: Scale) -> Option<u64> {
        match self {
            Self::SmallWrite => Some(objects::WRITTEN_FILES.into()),
            Self::Untar => Some(objects::files_of_tree(scale).into()),
            Self::Rm => Some(0),
            _ => None,
        }
    }

    /// Describes the workload in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Read => "one file, from the beginning to the end.",
            Self::Readers => "four files at once, a quarter of the bytes each.",
            Self::Write => {
                "a new file, from the beginning to the end, and `fsync`: then it is stored."
            }
            Self::Random => "200 reads of 128 KiB anywhere in a file.",
            Self::Unaligned => "200 reads of 128 KiB anywhere in a file, at odd offsets.",
            Self::UnalignedLarge => "100 reads of 1 MiB anywhere in a file, at odd offsets.",
            Self::Stalled => {
                "1000 reads of 1 MiB anywhere in 100 files, at odd offsets; one body in a hundred \
                 stalls for 10 s."
            }
            Self::Dense => "2000 reads of 128 KiB anywhere in a file of 64 MiB.",
            Self::Backward => "a file of 64 MiB, 1 MiB at a time, from the end to the beginning.",
            Self::Strided => "64 KiB at every MiB of a file.",
            Self::Columns => "the last 64 KiB of a file, then eight scattered pieces of 2 MiB.",
            Self::Blocks => "a file of 256 MiB in blocks of 256 KiB, in random order.",
            Self::BlocksLarge => "a file of 256 MiB in blocks of 2 MiB, in random order.",
            Self::BlocksShared => {
                "a file of 256 MiB in blocks of 2 MiB, in random order, by four processes that \
                 share one descriptor."
            }
            Self::BlocksMmap => "a file of 256 MiB, mapped, in blocks of 2 MiB in random order.",
            Self::Mmap => "one file, mapped and summed.",
            Self::Small => "a folder of 1000 files of 16 KiB: listed, then all of them read.",
            Self::SmallSlow => "200 files of 16 KiB read, with 20 ms of work after each.",
            Self::Stat => "a folder of 5000 entries: listed, then `stat` of each.",
            Self::Ls => "`ls -f` of a large folder.",
            Self::LsL => "`ls -l` of a large folder.",
            Self::Du => "`du -s` of a large folder.",
            Self::Find => "`find -type f` in a large tree.",
            Self::DuTree => "`du -s` of a large tree.",
            Self::Again => "one file, read for the second time in the same mount.",
            Self::Many => "256 threads read 64 files of 4 MiB, four threads a file.",
            Self::Handles => {
                "10,000 open files, ten handles on each of 1000; 4 KiB of each are read."
            }
            Self::Start => "from the start of the program to the end of the first `readdir`.",
            Self::Cached => "one file, read in a second mount with the cache on disk of the first.",
            Self::SmallWrite => "300 new files of 16 KiB, until the program has ended.",
            Self::Untar => "`tar x` of a large tree, until the program has ended.",
            Self::Rm => "`rm -rf` of a large tree, until the program has ended.",
        }
    }

    /// Runs the workload in this process, and returns the times of its start and end.
    pub fn work(self, folder: &Path, scale: Scale) -> io::Result<Times> {
        let archive = match self {
            Self::Untar => Some(tree::pack(scale)?),
            _ => None,
        };
        let begin = now()?;
        let mut reads = None;
        match self {
            Self::Read | Self::Again | Self::Cached => {
                sequential::read(&folder.join(FILE), 0, scale.size)?;
            }
            Self::Readers => crowd::readers(folder, scale.size)?,
            Self::Write => sequential::write(&folder.join("written"), scale.size)?,
            Self::Random => scattered::random(&folder.join(FILE), scale.size, 200)?,
            Self::Unaligned => {
                scattered::unaligned(&folder.join(FILE), scale.size, scattered::PIECE, 200)?;
            }
            Self::UnalignedLarge => {
                scattered::unaligned(&folder.join(FILE), scale.size, scattered::LARGE, 100)?;
            }
            Self::Stalled => reads = Some(stalled::read(folder, scale.size)?),
            Self::Dense => scattered::random(&folder.join(FILE), objects::MIDDLING, 2000)?,
            Self::Backward => scattered::backward(&folder.join(FILE), objects::MIDDLING)?,
            Self::Strided => scattered::strided(&folder.join(FILE), scale.size)?,
            Self::Columns => scattered::columns(&folder.join(FILE), scale.size)?,
            Self::Blocks => blocks::read(&folder.join(FILE), blocks::SMALL)?,
            Self::BlocksLarge => blocks::read(&folder.join(FILE), blocks::LARGE)?,
            Self::BlocksShared => blocks::share(&folder.join(FILE))?,
            Self::BlocksMmap => mapped::shuffled(&folder.join(FILE))?,
            Self::Mmap => mapped::sum(&folder.join(FILE), scale.size)?,
            Self::Small => small::read_all(folder, objects::SMALL_FILES, Duration::ZERO)?,
            Self::SmallSlow => small::read_all(folder, objects::SLOW_FILES, small::WORK)?,
            Self::Stat => listing::stat(folder, objects::ENTRIES)?,
            Self::Ls => listing::ls(folder, scale.entries)?,
            Self::LsL => listing::run("ls", &["-l"], folder)?,
            Self::Du | Self::DuTree => listing::run("du", &["-s"], folder)?,
            Self::Find => listing::find(folder, objects::files_of_tree(scale))?,
            Self::Many => crowd::many(folder)?,
            Self::Handles => small::handles(folder)?,
            Self::Start => listing::as_soon_as_mounted(folder)?,
            Self::SmallWrite => small::write_all(folder)?,
            Self::Untar => tree::unpack(archive.as_deref(), folder)?,
            Self::Rm => listing::run("rm", &["-rf"], folder)?,
        }
        let end = now()?;
        Ok(Times { begin, end, reads })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// Returns the time of the clock that all processes share.
fn now() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into())
}
