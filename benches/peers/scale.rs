//! Size of the workloads.

use clap::Args;

use crate::quantity;

/// Size of the workloads.
#[derive(Args, Clone, Copy)]
pub struct Scale {
    /// Bytes of a large file, and bytes moved by a run of several files, in whole MiB.
    #[arg(long, default_value = "1GiB", value_parser = quantity::size)]
    pub size: u64,
    /// Entries of a large folder.
    #[arg(long, default_value_t = 100_000)]
    pub entries: u32,
    /// Folders of a large tree, with ten files in each.
    #[arg(long, default_value_t = 10_000)]
    pub folders: u32,
}

impl Scale {
    /// Returns the arguments that pass this scale to a child process.
    pub fn to_arguments(self) -> [String; 3] {
        [
            format!("--size={}MiB", self.size >> 20),
            format!("--entries={}", self.entries),
            format!("--folders={}", self.folders),
        ]
    }
}
