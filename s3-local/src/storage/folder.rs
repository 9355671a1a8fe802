//! Opening of a folder store: lock, journal replay, and removal of an earlier crash's leftovers.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::journal::{self, Journal, StoredExtent};
use crate::catalog::{Catalog, Record, State};
use crate::content::{BlobFile, Content, Extent};
use crate::random;

/// Folder in use by this process.
#[derive(Debug)]
pub(crate) struct Folder {
    blobs: PathBuf,
    /// Lock on the folder, held while the file is open.
    _lock: File,
}

/// Error of opening a folder.
#[derive(Debug)]
pub(crate) enum OpenError {
    InUse,
    Io(io::Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> OpenError {
        OpenError::Io(error)
    }
}

impl Folder {
    /// Opens the folder and everything an earlier server stored in it; creates the folder if necessary.
    pub(crate) fn open(path: &Path) -> Result<(Folder, Catalog), OpenError> {
        let blobs = path.join("blobs");
        fs::create_dir_all(&blobs)?;
        let lock = lock(&path.join("lock"))?;
        let folder = Folder { blobs, _lock: lock };
        let state = folder.replay(&path.join("journal"))?;
        folder.remove_orphans(&state)?;
        let journal = rewrite(path, &state)?;
        Ok((folder, Catalog::recorded(state, Box::new(journal))))
    }

    /// Creates a new, empty file for a body.
    pub(super) fn create_blob(&self) -> io::Result<(Arc<BlobFile>, File)> {
        let blob = self.blob(random::hex_string(16));
        let file = blob.create()?;
        Ok((Arc::new(blob), file))
    }

    fn blob(&self, id: String) -> BlobFile {
        let path = self.blobs.join(&id);
        BlobFile::new(id, path)
    }

    fn replay(&self, journal: &Path) -> io::Result<State> {
        let stored = match File::open(journal) {
            Ok(file) => journal::read(&file)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        // All records are resolved before one is applied: a blob that an early record drops may be
        // named again by a later one.
        let mut blobs = HashMap::new();
        let resolved = stored
            .into_iter()
            .map(|record| record.try_map(|content| self.resolve(&mut blobs, &content)));
        let resolved = resolved.collect::<io::Result<Vec<Record>>>()?;
        let mut state = State::default();
        for record in resolved {
            state.apply(record);
        }
        Ok(state)
    }

    fn resolve(
        &self,
        blobs: &mut HashMap<String, Arc<BlobFile>>,
        content: &[StoredExtent],
    ) -> io::Result<Content> {
        let extents = content.iter().map(|extent| {
            if extent.blob.contains(['/', '.']) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a body's name is not one",
                ));
            }
            let blob = blobs
                .entry(extent.blob.clone())
                .or_insert_with(|| Arc::new(self.blob(extent.blob.clone())));
            let (offset, len) = (extent.offset, extent.len);
            Ok(Extent::File {
                blob: Arc::clone(blob),
                offset,
                len,
            })
        });
        Ok(Content {
            extents: extents.collect::<io::Result<_>>()?,
        })
    }

    /// Removes bodies that no record names: uploads under way when a server was killed.
    fn remove_orphans(&self, state: &State) -> io::Result<()> {
        let mut known = HashMap::new();
        for_each_blob(state, |blob, end| {
            let longest = known.entry(blob.id().to_owned()).or_insert(0);
            *longest = end.max(*longest);
            match blob.len_on_disk() {
                Some(len) if len >= end && blob.is_referenced() => Ok(()),
                _ => {
                    let message = format!("the body {} is missing or short", blob.id());
                    Err(io::Error::new(io::ErrorKind::InvalidData, message))
                }
            }
        })?;
        for entry in fs::read_dir(&self.blobs)? {
            let entry = entry?;
            if !entry
                .file_name()
                .to_str()
                .is_some_and(|name| known.contains_key(name))
            {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Replaces the journal atomically by the shortest one for this state. The temporary name is a fixed one, since the
/// folder is locked: what a killed server has left is written over, where a random name would stay.
fn rewrite(folder: &Path, state: &State) -> io::Result<Journal> {
    let (new, journal) = (folder.join("journal.new"), folder.join("journal"));
    journal::write(File::create(&new)?, state.snapshot())?;
    fs::rename(&new, &journal)?;
    File::open(folder)?.sync_all()?;
    Ok(Journal::new(File::options().append(true).open(&journal)?))
}

/// Visits every body the state refers to, with the end offset of the referenced bytes.
fn for_each_blob(
    state: &State,
    mut visit: impl FnMut(&BlobFile, u64) -> io::Result<()>,
) -> io::Result<()> {
    for bucket in state.buckets.values() {
        let objects = bucket.objects.values().map(|object| &object.content);
        let parts = bucket
            .uploads
            .values()
            .flat_map(|upload| upload.parts.values());
        for content in objects.chain(parts.map(|part| &part.content)) {
            for extent in &content.extents {
                if let Extent::File { blob, offset, len } = extent {
                    visit(blob, offset + len)?;
                }
            }
        }
    }
    Ok(())
}
