//! Job that writes, appends to, changes, maps, renames and removes files, as programs do.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nix::libc;

use crate::journal::Journal;
use crate::mapped::write_mapped;
use crate::random::Random;

/// Variable with the folder that the job writes into.
pub(crate) const FOLDER: &str = "STUB_STRESS_FOLDER";
/// Variable with the path of the job's journal.
pub(crate) const JOURNAL: &str = "STUB_STRESS_JOURNAL";
/// Variable with the job's seed and number of operations.
pub(crate) const WORK: &str = "STUB_STRESS_WORK";

/// Exit status of a job after a failed operation.
pub(crate) const FAILED: i32 = 3;

/// File sizes, in bytes, at which files are held in memory, streamed or staged.
const SMALL: std::ops::Range<u64> = 0..100_000;
const LARGE: std::ops::Range<u64> = 8_000_000..18_000_000;

#[derive(Debug)]
pub(crate) struct Job {
    folder: PathBuf,
    journal: Journal,
    random: Random,
    operations: u64,
    /// Expected content of each file.
    files: BTreeMap<String, Vec<u8>>,
}

impl Job {
    pub(crate) fn from_environment() -> Option<Self> {
        let folder = std::env::var_os(FOLDER)?.into();
        let journal = PathBuf::from(std::env::var_os(JOURNAL)?);
        let work = std::env::var(WORK).ok()?;
        let (seed, operations) = work.split_once(' ')?;
        Some(Self {
            folder,
            journal: Journal::open(&journal),
            random: Random::new(seed.parse().ok()?),
            operations: operations.parse().ok()?,
            files: BTreeMap::new(),
        })
    }

    /// Runs all operations until one fails. Returns the exit status.
    #[allow(clippy::print_stderr, reason = "a job says why it failed")]
    pub(crate) fn run(mut self) -> i32 {
        for number in 0..self.operations {
            if let Err(error) = self.operation() {
                eprintln!("job: operation {number}: {error}");
                return FAILED;
            }
        }
        0
    }

    fn operation(&mut self) -> io::Result<()> {
        let new = format!("f{}", self.random.below(40));
        let old = self.random.below(self.files.len().max(1) as u64);
        let old = usize::try_from(old).unwrap();
        let old = self.files.keys().nth(old).cloned();
        match (self.random.below(16), old) {
            (0..=6, _) | (_, None) => self.write(&new, SMALL),
            (7, _) => self.write(&new, LARGE),
            (8, _) => self.map(&new),
            (9..=10, Some(old)) => self.append(&old),
            (11, Some(old)) => self.change(&old),
            (12, Some(old)) => self.truncate(&old),
            (13..=14, Some(old)) => self.rename(&old, &new),
            (_, Some(old)) => self.remove(&old),
        }
    }

    /// Creates or truncates a file and writes it, in pieces of odd sizes.
    fn write(&mut self, name: &str, sizes: std::ops::Range<u64>) -> io::Result<()> {
        let length = self.random.within(sizes);
        let bytes = self.random.bytes(length);
        let piece = usize::try_from(self.random.within(1000..300_000)).unwrap();
        let path = self.folder.join(name);
        self.journal.begin(&[name]);
        let mut file = File::create(path)?;
        for piece in bytes.chunks(piece) {
            file.write_all(piece)?;
        }
        let syncs = self.random.below(4) == 0;
        if syncs {
            file.sync_all()?;
        }
        close(file)?;
        self.done(name, bytes);
        if syncs {
            self.journal.synced(name);
        }
        Ok(())
    }

    /// Writes a file through a shared mapping, as linkers do.
    fn map(&mut self, name: &str) -> io::Result<()> {
        let length = self.random.within(1..3_000_000);
        let bytes = self.random.bytes(length);
        let path = self.folder.join(name);
        self.journal.begin(&[name]);
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path);
        let file = options?;
        file.set_len(length)?;
        write_mapped(&file, &bytes)?;
        close(file)?;
        self.done(name, bytes);
        Ok(())
    }

    fn append(&mut self, name: &str) -> io::Result<()> {
        let length = self.random.within(1..50_000);
        let more = self.random.bytes(length);
        self.journal.begin(&[name]);
        let mut file = OpenOptions::new()
            .append(true)
            .open(self.folder.join(name))?;
        file.write_all(&more)?;
        close(file)?;
        let mut bytes = self.files.remove(name).unwrap_or_default();
        bytes.extend(more);
        self.done(name, bytes);
        Ok(())
    }

    fn change(&mut self, name: &str) -> io::Result<()> {
        let mut bytes = self.files[name].clone();
        let at = self.random.below(bytes.len() as u64 + 1);
        let length = self.random.within(1..50_000);
        let new = self.random.bytes(length);
        self.journal.begin(&[name]);
        let file = OpenOptions::new()
            .write(true)
            .open(self.folder.join(name))?;
        file.write_all_at(&new, at)?;
        close(file)?;
        let at = usize::try_from(at).unwrap();
        bytes.resize(bytes.len().max(at + new.len()), 0);
        bytes[at..at + new.len()].copy_from_slice(&new);
        self.done(name, bytes);
        Ok(())
    }

    fn truncate(&mut self, name: &str) -> io::Result<()> {
        let mut bytes = self.files[name].clone();
        let length = self.random.below(bytes.len() as u64 + 50_000);
        self.journal.begin(&[name]);
        let file = OpenOptions::new()
            .write(true)
            .open(self.folder.join(name))?;
        file.set_len(length)?;
        close(file)?;
        bytes.resize(usize::try_from(length).unwrap(), 0);
        self.done(name, bytes);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.journal.begin(&[from, to]);
        fs::rename(self.folder.join(from), self.folder.join(to))?;
        let bytes = self.files.remove(from).unwrap_or_default();
        if from != to {
            self.journal.done(from, None);
        }
        self.done(to, bytes);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.journal.begin(&[name]);
        fs::remove_file(self.folder.join(name))?;
        self.files.remove(name);
        self.journal.done(name, None);
        Ok(())
    }

    fn done(&mut self, name: &str, bytes: Vec<u8>) {
        self.journal.done(name, Some(&bytes));
        self.files.insert(name.to_owned(), bytes);
    }
}

/// Closes a file and returns the error of `close`, which dropping the file ignores.
fn close(file: File) -> io::Result<()> {
    nix::unistd::close(file).map_err(|errno| io::Error::from_raw_os_error(errno as libc::c_int))
}
