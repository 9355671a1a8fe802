//! A function with an argument and a value: `cargo run --example word_count`.
//!
//! The function counts the words of every file below a folder of the bucket and returns the counts by
//! file.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod bucket;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// Arguments and values are any types that serde can serialise.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Count {
    words: usize,
    by_file: BTreeMap<PathBuf, usize>,
}

#[stub::function(volumes = <"/my-mount" => bucket::mount().read_only(true)>)]
fn count_words(folder: PathBuf) -> io::Result<Count> {
    let mut count = Count::default();
    add(&Path::new("/my-mount").join(folder), &mut count)?;
    Ok(count)
}

fn add(folder: &Path, count: &mut Count) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add(&path, count)?;
        } else {
            let text = fs::read(&path)?;
            let words = String::from_utf8_lossy(&text).split_whitespace().count();
            count.words += words;
            count.by_file.insert(path, words);
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = bucket::choose();
    let count = count_words(PathBuf::new())?;
    for (path, words) in &count.by_file {
        println!("{words:8} {}", path.display());
    }
    println!("{:8} in the bucket `{name}`", count.words);
    Ok(())
}
