//! Snapshot of a folder with everything in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Entries below a folder, by path. Equal trees have the same names, bytes, links, modes, owners and
/// times of files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tree(BTreeMap<String, Entry>);

/// Entry of a tree, without the times of folders, which change by themselves.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    content: Content,
    mode: u32,
    owner: (u32, u32),
    changed: Option<(i64, i64)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Content {
    /// File with the checksum of its bytes.
    File(String),
    Folder,
    Link(Vec<u8>),
    /// FIFO or socket.
    Node,
}

/// Returns the checksum of bytes.
pub(crate) fn sum(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    hex::encode(&digest[..16])
}

impl Tree {
    /// Reads the entries below a folder.
    #[track_caller]
    pub(crate) fn of(folder: &Path) -> Self {
        let mut tree = Self(BTreeMap::new());
        tree.add(folder, "");
        tree
    }

    fn add(&mut self, folder: &Path, above: &str) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = entry.path();
            let about = fs::symlink_metadata(&path).unwrap_or_else(|error| {
                panic!("{} is listed, but: {error}", path.display());
            });
            let name = format!("{above}{name}");
            let kind = about.file_type();
            let content = if kind.is_dir() {
                self.add(&path, &format!("{name}/"));
                Content::Folder
            } else if kind.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                Content::Link(target.as_os_str().as_bytes().to_vec())
            } else if kind.is_fifo() || kind.is_socket() {
                Content::Node
            } else {
                let bytes = fs::read(&path).unwrap();
                assert_eq!(bytes.len() as u64, about.len(), "the size of {name:?}");
                Content::File(sum(&bytes))
            };
            let entry = Entry {
                content,
                mode: about.mode(),
                owner: (about.uid(), about.gid()),
                changed: (!kind.is_dir()).then(|| (about.mtime(), about.mtime_nsec())),
            };
            self.0.insert(name, entry);
        }
    }

    /// Returns the files' names and the checksums of their bytes.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &String)> {
        self.0
            .iter()
            .filter_map(|(name, entry)| match &entry.content {
                Content::File(sum) => Some((name.as_str(), sum)),
                _ => None,
            })
    }

    /// Returns whether an entry of this name exists.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the number of entries.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Fails if the trees differ, and prints only the differences.
    #[track_caller]
    pub(crate) fn assert_same(&self, wanted: &Self) {
        let mut differences = Vec::new();
        for (name, entry) in &wanted.0 {
            match self.0.get(name) {
                None => differences.push(format!("{name:?} is missing")),
                Some(found) if found != entry => {
                    differences.push(format!("{name:?} is {found:?}, not {entry:?}"));
                }
                Some(_) => {}
            }
        }
        let more = self.0.keys().filter(|name| !wanted.has(name));
        differences.extend(more.map(|name| format!("{name:?} is new")));
        let count = differences.len();
        differences.truncate(10);
        assert_eq!(count, 0, "{count} differences: {differences:#?}");
    }
}
