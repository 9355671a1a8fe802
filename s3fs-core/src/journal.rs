//! Notes on the local disk of the multipart uploads that are unfinished, for the next mount of the same
//! bucket: a process that is killed leaves its parts in the bucket, where they cost money, and no
//! permission of ours can list them.
//!
//! Each mount has a file of its own, which it keeps locked as long as it lives: a line that says which
//! bucket, then one for each upload that begins or ends.

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

/// Which bucket the notes are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    endpoint_url: Option<String>,
    bucket: String,
}

/// What happened to an upload.
#[derive(Debug, Serialize, Deserialize)]
enum Note {
    Begun(UnfinishedUpload),
    Ended(UnfinishedUpload),
}

/// The notes of one mount.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    place: Place,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    unfinished: BTreeSet<UnfinishedUpload>,
}

/// What a mount that is no more has left.
#[derive(Debug)]
pub(crate) struct Left {
    path: PathBuf,
    /// Keeps others from aborting the same.
    _lock: File,
    pub(crate) uploads: Vec<UnfinishedUpload>,
}

impl Journal {
    /// Begins notes in a folder, which is made, for its owner alone, if it is missing.
    ///
    /// # Errors
    /// The folder can't be written to.
    pub(crate) fn begin(folder: &Path, config: &MountConfig) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = since.map_or(0, |since| since.as_nanos());
        let name = format!("{}-{nanos}.jsonl", std::process::id());
        let path = folder.join(name);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.lock()?;
        let place = Place {
            endpoint_url: config.endpoint_url.clone(),
            bucket: config.bucket.to_string(),
        };
        write_line(&file, &place)?;
        Ok(Self {
            path,
            place,
            state: Mutex::new(State {
                file,
                unfinished: BTreeSet::new(),
            }),
        })
    }

    /// What others have left of the same bucket.
    pub(crate) fn left(&self) -> Vec<Left> {
        let entries = self.path.parent().map(fs::read_dir);
        let entries = entries.into_iter().flatten().flatten().flatten();
        let others = entries
            .map(|entry| entry.path())
            .filter(|path| *path != self.path);
        others.filter_map(|path| read(path, &self.place)).collect()
    }

    fn note(&self, note: &Note) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match note {
            Note::Begun(upload) => state.unfinished.insert(upload.clone()),
            Note::Ended(upload) => state.unfinished.remove(upload),
        };
        let written = write_line(&state.file, note).and_then(|()| {
            // Nothing of what was written is wanted any more.
            if state.unfinished.is_empty() {
                state.file.set_len(0)?;
                write_line(&state.file, &self.place)?;
            }
            Ok(())
        });
        if let Err(error) = written {
            tracing::warn!(%error, path = %self.path.display(), "unfinished uploads can't be noted");
        }
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

impl Drop for Journal {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.unfinished.is_empty() {
            // Else the next mount looks after them.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Left {
    /// Nothing is unfinished any more.
    pub(crate) fn done(self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn write_line(mut file: &File, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    file.write_all(line.as_bytes())
}

/// The notes of a process that is no more, if they are about this bucket. A line that was cut off is not
/// one.
fn read(path: PathBuf, place: &Place) -> Option<Left> {
    let file = File::open(&path).ok()?;
    file.try_lock().ok()?;
    let mut lines = BufReader::new(&file).lines().map_while(Result::ok);
    let of: Place = serde_json::from_str(&lines.next()?).ok()?;
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
        let killed = Journal::begin(folder.path(), &config("one")).unwrap();
        killed.begun(upload("a"));
        killed.begun(upload("b"));
        killed.ended(upload("a"));
        let alive = Journal::begin(folder.path(), &config("one")).unwrap();
        assert!(alive.left().is_empty(), "it lives");
        drop(killed);
        let other = Journal::begin(folder.path(), &config("two")).unwrap();
        assert!(other.left().is_empty(), "another bucket");
        let mut left = alive.left();
        assert_eq!(left[0].uploads, [upload("b")]);
        assert!(other.left().is_empty());
        left.remove(0).done();
        assert!(alive.left().is_empty());
        drop((alive, other));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
