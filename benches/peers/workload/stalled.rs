//! Reads from a server some of whose bodies stall.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::objects::{STALLED_FILES, numbered};
use super::scattered::{LARGE, Pieces};
use super::times::Reads;

/// Number of reads of each file.
const READS: u32 = 10;

/// Reads pieces at random odd offsets of each file.
pub fn read(folder: &Path, size: u64) -> io::Result<Reads> {
    let mut durations: Vec<Duration> = Vec::new();
    for n in 0..STALLED_FILES {
        let mut file = Pieces::open(&numbered(folder, n))?;
        let mut dice = fastrand::Rng::with_seed(n.into());
        for _ in 0..READS {
            let begin = super::now()?;
            file.read(dice.u64(..(size - LARGE) / 2) * 2 + 1, LARGE)?;
            durations.push(super::now()?.saturating_sub(begin));
        }
    }
    Reads::of(durations).ok_or_else(|| io::Error::other("no read"))
}
