//! How much a run moves.

use clap::Args;

use crate::quantity;

/// How large the workloads are.
#[derive(Args, Clone, Copy)]
pub struct Scale {
    /// The bytes of a large file, and of what a run of several files moves, in whole MiB.
    #[arg(long, default_value = "1GiB", value_parser = quantity::size)]
    pub size: u64,
    /// The entries of a large folder.
    #[arg(long, default_value_t = 100_000)]
    pub entries: u32,
    /// The folders of a large tree, with ten files in each.
    #[arg(long, default_value_t = 10_000)]
    pub folders: u32,
}

impl Scale {
    /// As this command line has it, for a process of our own.
    pub fn to_arguments(self) -> [String; 3] {
        [
            format!("--size={}MiB", self.size >> 20),
            format!("--entries={}", self.entries),
            format!("--folders={}", self.folders),
        ]
    }
}
