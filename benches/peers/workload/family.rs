//! Families of workloads, which share a picture.

use super::Workload;

/// Family of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    WholeFiles,
    PartsOfFiles,
    Folders,
    Writing,
}

impl Family {
    /// All families.
    pub const ALL: [Self; 4] = [
        Self::WholeFiles,
        Self::PartsOfFiles,
        Self::Folders,
        Self::Writing,
    ];

    /// Returns the name of the family's picture.
    pub fn name(self) -> &'static str {
        match self {
            Self::WholeFiles => "whole-files",
            Self::PartsOfFiles => "parts-of-files",
            Self::Folders => "folders",
            Self::Writing => "writing",
        }
    }

    /// Returns the title of the family's picture.
    pub fn title(self) -> &'static str {
        match self {
            Self::WholeFiles => "Reading whole files",
            Self::PartsOfFiles => "Reading parts of files",
            Self::Folders => "Folders and small files",
            Self::Writing => "Writing and removing, until everything is stored",
        }
    }
}

impl Workload {
    /// Returns the family of the workload.
    pub fn family(self) -> Family {
        match self {
            Self::Read | Self::Readers | Self::Mmap | Self::Again | Self::Cached | Self::Many => {
                Family::WholeFiles
            }
            Self::Random
            | Self::Unaligned
            | Self::UnalignedLarge
            | Self::Stalled
            | Self::Dense
            | Self::Backward
            | Self::Strided
            | Self::Columns
            | Self::Blocks
            | Self::BlocksLarge
            | Self::BlocksShared
            | Self::BlocksMmap
            | Self::Handles => Family::PartsOfFiles,
            Self::Small
            | Self::SmallSlow
            | Self::Stat
            | Self::Ls
            | Self::LsL
            | Self::Du
            | Self::Find
            | Self::DuTree
            | Self::Start => Family::Folders,
            Self::Write | Self::SmallWrite | Self::Untar | Self::Rm => Family::Writing,
        }
    }
}
