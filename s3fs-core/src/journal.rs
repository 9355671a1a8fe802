//! Journal of unfinished multipart uploads on the local disk, for the next mount of the same
//! bucket.
//!
//! A process that is killed leaves its parts in the bucket, where they cost money, and a mount may
//! lack the permission to list them. Each mount has a file of its own while an upload is
//! unfinished, and keeps it locked. The first line names the bucket; each further line is an upload
//! that starts or ends.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::config::MountConfig;
use crate::store::{UnfinishedUpload, UploadObserver};

/// Identity of the bucket that the notes belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct BucketIdentity {
    endpoint_url: Option<String>,
    bucket: String,
}

/// Event of an upload.
#[derive(Debug, Serialize, Deserialize)]
enum Note {
    Begun(UnfinishedUpload),
    Ended(UnfinishedUpload),
}

/// Journal of one mount.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    place: BucketIdentity,
    state: Mutex<JournalState>,
}

#[derive(Debug, Default)]
struct JournalState {
    /// Path and file of the notes; present only while an upload is unfinished.
    notes: Option<(PathBuf, File)>,
    unfinished: BTreeSet<UnfinishedUpload>,
}

/// Unfinished uploads of a mount whose process has ended.
#[derive(Debug)]
pub(crate) struct Left {
    path: PathBuf,
    /// Lock that keeps other processes from aborting the same uploads.
    _lock: File,
    pub(crate) uploads: Vec<UnfinishedUpload>,
}

impl Journal {
    /// Creates a journal in a folder. The folder is created, private to its owner, with the first
    /// note.
    pub(crate) fn new(folder: &Path, config: &MountConfig) -> Self {
        Self {
            folder: folder.to_owned(),
            place: BucketIdentity {
                endpoint_url: config.endpoint_url.clone(),
                bucket: config.bucket.to_string(),
            },
            state: Mutex::default(),
        }
    }

    /// Returns what dead mounts of the same bucket have left. Live mounts lock their notes, and so
    /// do we.
    pub(crate) fn left(&self) -> Vec<Left> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        paths.filter_map(|path| read(path, &self.place)).collect()
    }

    fn note(&self, note: &Note) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match note {
            Note::Begun(upload) => state.unfinished.insert(upload.clone()),
            Note::Ended(upload) => state.unfinished.remove(upload),
        };
        if let Err(error) = self.write(&mut state, note) {
            let folder = self.folder.display();
            tracing::warn!(%error, %folder, "failed to record open uploads");
        }
    }

    fn write(&self, state: &mut JournalState, note: &Note) -> io::Result<()> {
        if state.unfinished.is_empty() {
            // Nothing of what was written is wanted any more.
            return match state.notes.take() {
                Some((path, _)) => fs::remove_file(path),
                None => Ok(()),
            };
        }
        if state.notes.is_none() {
            state.notes = Some(self.begin()?);
        }
        match &state.notes {
            Some((_, file)) => write_line(file, note),
            None => Ok(()),
        }
    }

    fn begin(&self) -> io::Result<(PathBuf, File)> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.as_nanos());
        let name = format!("{}-{nanos}.jsonl", std::process::id());
        let path = self.folder.join(name);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.lock()?;
        write_line(&file, &self.place)?;
        Ok((path, file))
    }
}

impl UploadObserver for Journal {
    fn begun(&self, upload: UnfinishedUpload) {
        self.note(&Note::Begun(upload));
    }

    fn ended(&self, upload: UnfinishedUpload) {
        self.note(&Note::Ended(upload));
    }
}

impl Left {
    /// Removes the notes, once no upload is unfinished any more.
    pub(crate) fn done(self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn write_line(mut file: &File, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    file.write_all(line.as_bytes())
}

/// Reads the notes of a process that has ended, if they are about this bucket. Ignores a line that
/// was cut off.
fn read(path: PathBuf, place: &BucketIdentity) -> Option<Left> {
    let file = File::open(&path).ok()?;
    file.try_lock().ok()?;
    let mut lines = BufReader::new(&file).lines().map_while(Result::ok);
    let of: BucketIdentity = serde_json::from_str(&lines.next()?).ok()?;
    if of != *place {
        return None;
    }
    let mut unfinished = BTreeSet::new();
    for note in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
        match note {
            Note::Begun(upload) => unfinished.insert(upload),
            Note::Ended(upload) => unfinished.remove(&upload),
        };
    }
    Some(Left {
        uploads: unfinished.into_iter().collect(),
        path,
        _lock: file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::BucketName;

    fn config(bucket: &str) -> MountConfig {
        MountConfig::new(BucketName::new(bucket).unwrap())
    }

    fn upload(key: &str) -> UnfinishedUpload {
        UnfinishedUpload {
            key: key.to_owned(),
            id: "id".to_owned(),
        }
    }

    #[test]
    fn what_began_and_did_not_end_is_left_to_the_next_mount_of_the_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let count = || fs::read_dir(folder.path()).unwrap().count();
        let killed = Journal::new(folder.path(), &config("one"));
        killed.begun(upload("a"));
        killed.begun(upload("b"));
        killed.ended(upload("a"));
        let alive = Journal::new(folder.path(), &config("one"));
        assert!(alive.left().is_empty(), "it lives");
        alive.begun(upload("c"));
        drop(killed);
        let other = Journal::new(folder.path(), &config("two"));
        assert!(other.left().is_empty(), "another bucket");
        let mut left = alive.left();
        assert_eq!(left[0].uploads, [upload("b")]);
        assert!(alive.left().is_empty(), "somebody is at it");
        left.remove(0).done();
        assert_eq!(count(), 1);
        alive.ended(upload("c"));
        assert_eq!(count(), 0, "nothing is unfinished");
    }
}
