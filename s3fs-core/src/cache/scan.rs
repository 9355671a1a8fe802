//! Scan of the folder: its entries, and unfinished files.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::folder::{Folder, read_header, remove};
use super::name::{DATA, HASH, INDEX, ObjectId, UNFINISHED, version};

/// Minimum age at which a file without an entry is removed: a younger one may get an entry.
const STALE: Duration = Duration::from_mins(10);

/// Entry as found on the disk.
#[derive(Clone, Debug)]
pub(super) struct ScannedEntry {
    pub(super) index: PathBuf,
    pub(super) data: PathBuf,
    /// Disk space of the entry, in bytes.
    pub(super) bytes: u64,
    /// Time of the last use.
    pub(super) used: SystemTime,
}

/// Result of a scan.
#[derive(Debug, Default)]
pub(super) struct ScanResult {
    pub(super) entries: Vec<ScannedEntry>,
    /// Disk space, in bytes, of files without an entry.
    pub(super) others: u64,
}

impl ScanResult {
    /// Returns the disk space of all files, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.others + self.entries.iter().map(|entry| entry.bytes).sum::<u64>()
    }
}

/// Files of one object.
#[derive(Debug, Default)]
struct Files {
    index: Option<(PathBuf, Metadata)>,
    data: Vec<(PathBuf, Metadata)>,
}

/// Scans all files, and removes those that nobody will finish.
pub(super) fn scan(folder: &Folder) -> io::Result<ScanResult> {
    let mut found = ScanResult::default();
    for shard in fs::read_dir(folder.at(""))? {
        let shard = shard?;
        if shard.file_type()?.is_dir() {
            scan_shard(&shard.path(), &mut found)?;
        }
    }
    Ok(found)
}

fn scan_shard(shard: &Path, found: &mut ScanResult) -> io::Result<()> {
    let mut objects: HashMap<String, Files> = HashMap::new();
    for file in fs::read_dir(shard)? {
        let path = file?.path();
        // Gone meanwhile, by another process that evicts.
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let stem = name.split('.').next().unwrap_or_default().to_owned();
        if name.starts_with(UNFINISHED) {
            stray(&path, &meta, found);
        } else if name.ends_with(INDEX) {
            objects.entry(stem).or_default().index = Some((path, meta));
        } else if name.ends_with(DATA) {
            objects.entry(stem).or_default().data.push((path, meta));
        }
    }
    for (stem, files) in objects {
        take_object(shard, &stem, files, found);
    }
    Ok(())
}

/// Adds an index and its data as an entry; all other files are strays.
fn take_object(shard: &Path, stem: &str, mut files: Files, found: &mut ScanResult) {
    let current = files.index.as_ref().and_then(|(index, _)| {
        let ending = current_version(shard, stem, index)?;
        let is_it = |(path, _): &(PathBuf, Metadata)| path.ends_with(&ending);
        files.data.iter().position(is_it)
    });
    match (files.index, current) {
        (Some((index, index_meta)), Some(current)) => {
            let (data, data_meta) = files.data.swap_remove(current);
            found.entries.push(ScannedEntry {
                bytes: taken(&index_meta) + taken(&data_meta),
                used: index_meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                index,
                data,
            });
        }
        (Some((index, meta)), None) => stray(&index, &meta, found),
        (None, _) => {}
    }
    for (path, meta) in files.data {
        stray(&path, &meta, found);
    }
}

/// Returns the name of the data file that belongs to an index.
fn current_version(shard: &Path, stem: &str, index: &Path) -> Option<String> {
    let mut object = [0; HASH];
    let shard = shard.file_name()?.to_str()?;
    hex::decode_to_slice(format!("{shard}{stem}"), &mut object).ok()?;
    let header = read_header(&File::open(index).ok()?, ObjectId(object))?;
    Some(format!("{stem}.{}{DATA}", version(&header.meta.etag)))
}

/// Removes a file without an entry if it is old, and counts it otherwise.
fn stray(path: &Path, meta: &Metadata, found: &mut ScanResult) {
    let age = meta
        .modified()
        .ok()
        .and_then(|then| SystemTime::now().duration_since(then).ok());
    let is_stale = age.is_some_and(|age| age >= STALE);
    if !is_stale || remove(path).is_err() {
        found.others += taken(meta);
    }
}

fn taken(meta: &Metadata) -> u64 {
    meta.blocks() * 512
}
