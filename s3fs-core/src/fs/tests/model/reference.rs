//! Reference model of a bucket and a mount.

use std::collections::{BTreeMap, BTreeSet};

use crate::fs::HandleId;

/// Expected files and folders.
#[derive(Debug, Default)]
pub(super) struct Reference {
    /// Visible files, with the number of their contents.
    pub(super) files: BTreeMap<String, usize>,
    pub(super) contents: Vec<Content>,
    pub(super) markers: BTreeSet<String>,
    /// Folders that stay because something in them was removed here.
    pub(super) kept: BTreeSet<String>,
    pub(super) handles: Vec<Open>,
    /// Files that lost their names while they were open, and their last paths: their objects may
    /// stay there.
    left: Vec<(usize, String)>,
}

/// Content of a file, with or without a name.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// Its object is gone, and its bytes may not all be here.
    pub(super) may_be_lost: bool,
    /// Mode, or `None` if it was not set.
    pub(super) mode: Option<u16>,
}

#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) id: HandleId,
    pub(super) file: usize,
    pub(super) writes: bool,
}

/// Returns the folder of a path.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Reference {
    pub(super) fn is_dir(&self, path: &str) -> bool {
        let has = |name: &String| is_within(name, path);
        path.is_empty()
            || self.markers.iter().any(has)
            || self.kept.iter().any(has)
            || self.files.keys().any(|name| name != path && has(name))
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.is_dir(path) || self.files.contains_key(path)
    }

    /// Returns the entries of a folder, and whether each is a folder.
    pub(super) fn entries(&self, path: &str) -> BTreeMap<String, bool> {
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let dirs = self.markers.iter().chain(&self.kept).map(|d| (d, true));
        let files = self.files.keys().map(|f| (f, false));
        let mut entries = BTreeMap::new();
        for (name, is_dir) in dirs.chain(files) {
            if let Some(rest) = name.strip_prefix(&prefix).filter(|rest| !rest.is_empty()) {
                match rest.split_once('/') {
                    Some((first, _)) => entries.insert(first.to_owned(), true),
                    None => entries.insert(rest.to_owned(), is_dir),
                };
            }
        }
        entries
    }

    pub(super) fn add(&mut self, path: &str, bytes: Vec<u8>, mode: Option<u16>) -> usize {
        self.replaced(path, usize::MAX);
        self.contents.push(Content {
            bytes,
            may_be_lost: false,
            mode,
        });
        let file = self.contents.len() - 1;
        self.files.insert(path.to_owned(), file);
        file
    }

    /// Records that another client has replaced the file of a path. Or a file of more than `kept`
    /// bytes loses its object.
    pub(super) fn replaced(&mut self, path: &str, kept: usize) {
        if let Some(file) = self.files.get(path) {
            let content = &mut self.contents[*file];
            content.may_be_lost |= kept == usize::MAX || content.bytes.len() > kept;
            if content.may_be_lost {
                self.left.push((*file, path.to_owned()));
            }
        }
    }

    /// Returns whether a folder may hold the object of a file without a name. The object stays
    /// while the file is open.
    pub(super) fn may_stay(&self, folder: &str) -> bool {
        let is_open = |file| self.handles.iter().any(|open| open.file == file);
        let mut left = self.left.iter();
        left.any(|(file, path)| is_within(path, folder) && is_open(*file))
    }

    /// Returns the path of a file, if it has a name.
    pub(super) fn path_of(&self, file: usize) -> Option<&str> {
        let mut files = self.files.iter();
        files
            .find(|(_, at)| **at == file)
            .map(|(path, _)| path.as_str())
    }

    pub(super) fn is_written(&self, path: &str) -> bool {
        let file = self.files.get(path);
        let mut writers = self.handles.iter().filter(|h| h.writes);
        writers.any(|h| Some(&h.file) == file)
    }

    pub(super) fn keep(&mut self, path: &str) {
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.kept.insert(folder.to_owned());
        }
    }

    /// Renames, if that is allowed. Returns whether it did. `below` tells whether the bucket has a
    /// key below a folder afterwards.
    pub(super) fn rename(&mut self, from: &str, to: &str, kept: usize, below: Below) -> bool {
        if !self.exists(from) || !self.is_dir(parent(to)) {
            return false;
        }
        if from == to {
            return true;
        }
        if self.is_dir(from) {
            let blocked = is_within(to, from)
                || self.files.contains_key(to)
                || self.is_dir(to) && !self.entries(to).is_empty();
            if !blocked {
                self.rename_dir(from, to, below);
            }
            return !blocked;
        }
        if self.is_dir(to) {
            return false;
        }
        self.replaced(to, kept);
        if let Some(file) = self.files.remove(from) {
            self.files.insert(to.to_owned(), file);
        }
        self.keep(from);
        true
    }

    fn rename_dir(&mut self, from: &str, to: &str, below: Below) {
        let had_marker = self.markers.remove(to);
        self.kept.remove(to);
        let moved = |name: &str| {
            let is_below = is_within(name, from);
            if is_below {
                format!("{to}{}", &name[from.len()..])
            } else {
                name.to_owned()
            }
        };
        let files = std::mem::take(&mut self.files).into_iter();
        self.files = files.map(|(name, file)| (moved(&name), file)).collect();
        self.markers = self.markers.iter().map(|name| moved(name)).collect();
        self.kept = self.kept.iter().map(|name| moved(name)).collect();
        if had_marker || below == Below::Nothing {
            self.markers.insert(to.to_owned());
        }
        self.keep(from);
    }

    /// Returns the objects that the bucket must hold.
    pub(super) fn keys(&self) -> BTreeMap<String, bytes::Bytes> {
        let content = |file: &usize| self.contents[*file].bytes.clone().into();
        let files = self.files.iter();
        let files = files.map(|(name, file)| (name.clone(), content(file)));
        let markers = self.markers.iter();
        files
            .chain(markers.map(|dir| (format!("{dir}/"), bytes::Bytes::new())))
            .collect()
    }
}

/// Keys of a bucket below a folder, but for its marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Below {
    /// No key.
    Nothing,
    /// At least one key.
    Keys,
}
