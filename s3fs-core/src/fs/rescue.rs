//! Saving what could not be stored: its bytes go to a folder of the local disk.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::fs::Fs;
use crate::fs::open_files::OpenFile;
use crate::fs::reserve::Reserve;

/// Local copies of objects that could not be stored: at most one of each.
#[derive(Debug, Default)]
pub(super) struct Rescues {
    copies: Mutex<HashMap<String, Copy>>,
    runs: AtomicU64,
}

/// A local copy, and the folder of the round that made it.
#[derive(Clone, Debug)]
struct Copy {
    run: PathBuf,
    path: PathBuf,
}

impl Rescues {
    /// Takes note of an object's copy. Removes the one before.
    fn replace(&self, object: &str, copy: Copy) {
        if let Some(earlier) = self.lock().insert(object.to_owned(), copy) {
            earlier.remove();
        }
    }

    /// Removes the copies of objects that are stored by now.
    fn settle(&self, is_lost: impl Fn(&str) -> bool) {
        for (_, copy) in self.lock().extract_if(|object, _| !is_lost(object)) {
            copy.remove();
        }
    }

    /// Name of the folder for one round of copies, different from any other's.
    fn next_run(&self) -> String {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = seconds.map_or(0, |since| since.as_secs());
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        format!("{seconds}-{}-{run}", std::process::id())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Copy>> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Copy {
    /// Removes it, and the folders of its round that it leaves empty.
    fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            let path = self.path.display();
            tracing::warn!(%error, %path, "failed to remove an outdated local copy");
            return;
        }
        let folders = self.path.ancestors().skip(1);
        for folder in folders.take_while(|folder| folder.starts_with(&self.run)) {
            // One with other copies stays.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

impl Fs {
    /// Saves the bytes of all files that could not be stored, and lets the ledger know where.
    pub(super) async fn rescue_all(&self) {
        let is_last = self.gate.is_closed();
        let mut run = None;
        for file in self.open_files.all() {
            let Some(key) = self.last_key_of(file.ino) else {
                continue;
            };
            if file.writer.is_stored() || !self.is_wanted(file.ino) {
                continue;
            }
            let uri = self.store.uri(&key);
            if !self.ledger.has(&uri) {
                // A program goes on writing it: it will be stored.
                if !is_last {
                    continue;
                }
                let reason = "it was changed when the mount had been closed";
                self.ledger.failed(uri.clone(), reason.to_owned());
            }
            let Some(dir) = &self.rescue else {
                continue;
            };
            let run = run.get_or_insert_with(|| dir.join(self.rescues.next_run()));
            match self.rescue(run, &file, &uri).await {
                Ok((path, missing)) => {
                    self.ledger.rescued(&uri, path.clone(), missing);
                    let run = run.clone();
                    self.rescues.replace(&uri, Copy { run, path });
                }
                Err(error) => {
                    let words =
                        format!("its bytes could not be kept in {}: {error}", dir.display());
                    self.ledger.lost(&uri, &words);
                }
            }
        }
        self.rescues.settle(|object| self.ledger.has(object));
    }

    /// Saves the bytes of one; returns where, and what is missing there.
    async fn rescue(
        &self,
        run: &Path,
        file: &OpenFile,
        uri: &str,
    ) -> io::Result<(PathBuf, Option<String>)> {
        let (path, saved) = create(run, uri, &self.reserve)?;
        let rescued = file.writer.rescue(&saved).await;
        let synced = saved.sync_all();
        drop(saved);
        // The next one needs it.
        self.reserve.fill();
        synced?;
        Ok((path, rescued?.missing()))
    }
}

/// Makes a file of its own for an object, `s3://bucket/key`: below the folder, by bucket and key.
fn create(run: &Path, uri: &str, reserve: &Reserve) -> io::Result<(PathBuf, File)> {
    let name = uri.strip_prefix("s3://").unwrap_or(uri);
    // A key's parts are names of entries: none of them is `..`.
    let path = run.join(name);
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let file = reserve.open(|| options.open(&path))?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_saved_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("unsaved/1-2-0");
        let reserve = Reserve::default();
        let (path, _) = create(&folder, "s3://bucket/d/a name", &reserve).unwrap();
        assert!(path.starts_with(&folder) && path.ends_with("bucket/d/a name"));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&folder), 0o700);
        assert!(
            create(&folder, "s3://bucket/d/a name", &reserve).is_err(),
            "nothing is replaced"
        );
    }
    #[test]
    fn a_later_copy_replaces_the_earlier_one_and_a_stored_object_keeps_none() {
        let dir = tempfile::tempdir().unwrap();
        let rescues = Rescues::default();
        let uri = "s3://bucket/d/f";
        let runs = [rescues.next_run(), rescues.next_run()];
        assert_ne!(runs[0], runs[1]);
        let copies = runs.map(|run| {
            let run = dir.path().join(run);
            let path = create(&run, uri, &Reserve::default()).unwrap().0;
            rescues.replace(
                uri,
                Copy {
                    run,
                    path: path.clone(),
                },
            );
            path
        });
        assert!(!copies[0].exists() && copies[1].exists());
        rescues.settle(|_| true);
        assert!(copies[1].exists());
        rescues.settle(|_| false);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
