//! What is done with a mount, by a fresh process that knows nothing but a folder.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::arguments::Arguments;
use crate::bucket::content::{self, BLOCK};
use crate::mounted::Mounted;

/// The readers of [`Workload::Readers`].
const READERS: u64 = 4;

/// What is done with a mount.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// One file, from the beginning to the end.
    Read,
    /// A new file, from the beginning to the end, and `fsync`: then it is stored.
    Write,
    /// Four files at once, each from the beginning to the end.
    Readers,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Readers];

    /// The objects it needs, so that it moves this many bytes in all.
    pub fn objects(self, size: u64) -> Vec<(String, u64)> {
        match self {
            Self::Read => vec![("read".to_owned(), size)],
            Self::Write => Vec::new(),
            Self::Readers => (0..READERS)
                .map(|n| (format!("reader-{n}"), (size / READERS) >> 20 << 20))
                .collect(),
        }
    }

    /// The object it makes.
    pub fn writes(self) -> Option<&'static str> {
        (self == Self::Write).then_some("written")
    }

    /// Starts a process that does it, and returns how long the work took there.
    pub fn run(self, mounted: &Mounted, arguments: &Arguments) -> anyhow::Result<Duration> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["work", &self.to_string()])
            .arg(mounted.folder())
            .arg(arguments.size.to_string())
            .stdout(Stdio::piped())
            .spawn()?;
        mounted.wait(&mut process, arguments.timeout)?;
        let mut nanos = String::new();
        if let Some(mut stdout) = process.stdout.take() {
            stdout.read_to_string(&mut nanos)?;
        }
        Ok(Duration::from_nanos(nanos.trim().parse()?))
    }

    /// Does it, in this process.
    pub fn work(self, folder: &Path, size: u64) -> io::Result<Duration> {
        let block = content::block();
        let start = Instant::now();
        if let Some(key) = self.writes() {
            write(&folder.join(key), size, block)?;
            return Ok(start.elapsed());
        }
        let readers: Vec<_> = self
            .objects(size)
            .into_iter()
            .map(|(key, size)| (folder.join(key), size))
            .map(|(file, size)| thread::spawn(move || read(&file, size)))
            .collect();
        for reader in readers {
            let read = reader.join();
            read.map_err(|_| io::Error::other("a reader panicked"))??;
        }
        Ok(start.elapsed())
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Readers => "readers",
        })
    }
}

fn read(file: &Path, size: u64) -> io::Result<()> {
    let mut file = File::open(file)?;
    let mut block = vec![0; BLOCK];
    for n in 0..content::blocks(size) {
        file.read_exact(&mut block)?;
        if !content::is_number(&block, n as u64) {
            return Err(io::Error::other(format!("block {n} is wrong")));
        }
    }
    match file.read(&mut block)? {
        0 => Ok(()),
        _ => Err(io::Error::other("the file is too long")),
    }
}

fn write(file: &Path, size: u64, mut block: Vec<u8>) -> io::Result<()> {
    let mut file = File::create_new(file)?;
    for n in 0..content::blocks(size) {
        content::number(&mut block, n as u64);
        file.write_all(&block)?;
    }
    file.sync_all()
}
