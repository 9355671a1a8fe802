//! Journal of a job: a line before each operation, and a line after it has succeeded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hasher};
use std::io::Write;
use std::path::Path;

/// Length in bytes and hash of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    length: u64,
    hash: u64,
}

impl Digest {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        // The same in every process of this program.
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        Self {
            length: bytes.len() as u64,
            hash: hasher.finish(),
        }
    }
}

/// Journal, open for writing.
#[derive(Debug)]
pub(crate) struct Journal(File);

impl Journal {
    pub(crate) fn open(path: &Path) -> Self {
        let file = OpenOptions::new().append(true).create(true).open(path);
        Self(file.unwrap())
    }

    /// Records the start of an operation that may change these files.
    pub(crate) fn begin(&mut self, names: &[&str]) {
        self.line(&format!("begin {}", names.join(" ")));
    }

    /// Records a successful operation: the file has these bytes, or is removed.
    pub(crate) fn done(&mut self, name: &str, bytes: Option<&[u8]>) {
        let line = match bytes.map(Digest::of) {
            Some(Digest { length, hash }) => format!("have {name} {length} {hash}"),
            None => format!("gone {name}"),
        };
        self.line(&line);
    }

    /// Records a successful `fsync` of the file.
    pub(crate) fn synced(&mut self, name: &str) {
        self.line(&format!("synced {name}"));
    }

    fn line(&mut self, line: &str) {
        self.0.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// State of the files according to a journal.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// Files by name; `None` for removed ones.
    pub(crate) files: BTreeMap<String, Option<Digest>>,
    /// Files that an unfinished operation may have changed.
    pub(crate) unknown: BTreeSet<String>,
    /// Files unchanged since an `fsync` of them.
    pub(crate) synced: BTreeSet<String>,
}

impl Acknowledged {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let mut all = Self::default();
        // The last line may have been cut.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match *words.as_slice() {
                ["begin", ref names @ ..] => {
                    for name in names {
                        all.synced.remove(*name);
                        all.unknown.insert((*name).to_owned());
                    }
                }
                ["synced", name] => {
                    all.synced.insert(name.to_owned());
                }
                ["have", name, length, hash] => {
                    let (length, hash) = (length.parse().unwrap(), hash.parse().unwrap());
                    all.settle(name, Some(Digest { length, hash }));
                }
                ["gone", name] => all.settle(name, None),
                _ => panic!("{line:?}"),
            }
        }
        all
    }

    fn settle(&mut self, name: &str, digest: Option<Digest>) {
        self.unknown.remove(name);
        self.files.insert(name.to_owned(), digest);
    }
}
