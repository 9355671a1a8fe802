//! Word count, with the same program on one machine and on a cluster:
//! `cargo run --features cluster --example word_count_cluster`, and with `STUB_ENGINE=slurm` on the nodes of the
//! cluster whose `sbatch` is in `PATH`.
//!
//! The program counts the words of all files of a bucket, many at once. Without `--bucket` the bucket is
//! on a server inside this process, which only nodes of this machine can reach.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod bucket;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The files of the bucket, found in a sandbox as well.
#[stub::function(volumes = <"/texts" => bucket::mount().read_only(true)>)]
fn files(folder: PathBuf) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(Path::new("/texts").join(&folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            found.extend(files::local(path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// Counts the occurrences of each word in a file. A failed input is retried, on any node.
#[stub::function(volumes = <"/texts" => bucket::mount().read_only(true)>, retries = 2)]
fn count(file: PathBuf) -> io::Result<BTreeMap<String, u64>> {
    let text = fs::read(Path::new("/texts").join(file))?;
    let mut counts = BTreeMap::new();
    for word in String::from_utf8_lossy(&text).split(|c: char| !c.is_alphabetic()) {
        if !word.is_empty() {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    Ok(counts)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = bucket::choose();
    let files = files(PathBuf::new())?;
    let (mut all, mut count_of_files) = (BTreeMap::<String, u64>::new(), 0);
    for counts in count::map(files).unordered() {
        count_of_files += 1;
        for (word, count) in counts? {
            *all.entry(word).or_default() += count;
        }
    }
    let mut most: Vec<(String, u64)> = all.into_iter().collect();
    most.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let mut out = io::stdout().lock();
    for (word, count) in most.iter().take(3) {
        writeln!(out, "{count:8} {word}")?;
    }
    writeln!(out, "in {count_of_files} files of the bucket `{name}`")?;
    Ok(())
}
