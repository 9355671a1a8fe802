//! Local copies of files that could not be stored.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::fs::ledger::NotStored;
use crate::fs::rescue::names::path_of;
use crate::fs::reserve::Reserve;
use crate::tree::Ino;

/// Number of the next round of copies in this process, since mounts share the folder.
static ROUNDS: AtomicU64 = AtomicU64::new(0);

/// Copies of files that could not be stored: the latest complete one of each.
#[derive(Debug, Default)]
pub(in crate::fs) struct Rescues(Mutex<BTreeMap<Ino, Saved>>);

/// Local copy of one file.
#[derive(Debug, Default)]
struct Saved {
    /// `s3://bucket/key`.
    object: String,
    copy: Option<Copy>,
    /// Reason why there is no newer copy.
    failure: Option<String>,
}

/// Local file, and the folder of the round that made it.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    run: PathBuf,
    path: PathBuf,
    /// Bytes of the file that it lacks, in words.
    pub(super) missing: Option<String>,
}

impl Rescues {
    /// Records a complete copy of a file. Removes the previous copy.
    pub(super) fn saved(&self, ino: Ino, object: String, copy: Copy) {
        let saved = Saved {
            object,
            copy: Some(copy),
            failure: None,
        };
        let earlier = self.lock().insert(ino, saved);
        if let Some(copy) = earlier.and_then(|earlier| earlier.copy) {
            copy.remove();
        }
    }

    /// Records that a file could not be copied. The previous copy stays.
    pub(super) fn failed(&self, ino: Ino, object: String, failure: String) {
        let mut copies = self.lock();
        let saved = copies.entry(ino).or_default();
        saved.object = object;
        saved.failure = Some(failure);
    }

    /// Removes the copies of files that are stored, or not wanted any more.
    pub(super) fn retain(&self, unsaved: &HashSet<Ino>) {
        let gone = |ino: &Ino, _: &mut Saved| !unsaved.contains(ino);
        for (_, saved) in self.lock().extract_if(.., gone) {
            if let Some(copy) = saved.copy {
                copy.remove();
            }
        }
    }

    /// Returns the account of an object that could not be stored. It has an entry for each file
    /// that was to become the object.
    pub(super) fn account(&self, object: &str, reason: &str) -> Vec<NotStored> {
        let copies = self.lock();
        let saved = copies.values().filter(|saved| saved.object == object);
        let mut all: Vec<_> = saved.map(|saved| saved.account(reason)).collect();
        if all.is_empty() {
            let none = Saved {
                object: object.to_owned(),
                ..Saved::default()
            };
            all.push(none.account(reason));
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Ino, Saved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Saved {
    fn account(&self, reason: &str) -> NotStored {
        let mut reason = reason.to_owned();
        if let Some(missing) = self.copy.as_ref().and_then(|copy| copy.missing.as_ref()) {
            reason = format!("{reason} ({missing})");
        }
        if let Some(failure) = &self.failure {
            let bytes = match self.copy {
                Some(_) => "changes after the copy",
                None => "its bytes",
            };
            reason = format!("{reason}; {bytes} could not be kept in {failure}");
        }
        NotStored {
            object: self.object.clone(),
            reason,
            kept_in: self.copy.as_ref().map(|copy| copy.path.clone()),
        }
    }
}

impl Copy {
    /// Removes the copy, and the folders of its round that are empty then.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            let path = self.path.display();
            tracing::warn!(%error, %path, "failed to remove an outdated local copy");
            return;
        }
        self.remove_folders();
    }

    fn remove_folders(&self) {
        let folders = self.path.ancestors().skip(1);
        for folder in folders.take_while(|folder| folder.starts_with(&self.run)) {
            // A folder with other copies stays.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

/// Round of copies: a new folder below that of the mount.
#[derive(Debug)]
pub(super) struct Round<'a> {
    dir: &'a Path,
    run: PathBuf,
}

impl<'a> Round<'a> {
    pub(super) fn new(dir: &'a Path) -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = seconds.map_or(0, |since| since.as_secs());
        let round = ROUNDS.fetch_add(1, Ordering::Relaxed);
        let run = dir.join(format!("{seconds}-{}-{round}", std::process::id()));
        Self { dir, run }
    }

    /// Creates a new file for an object, `s3://bucket/key`. Its path below the folder follows the
    /// bucket and key as far as the local disk allows.
    ///
    /// # Errors
    /// There is no space for it, or the folder can't be used.
    pub(super) fn create(&mut self, uri: &str, reserve: &Reserve) -> io::Result<(Copy, File)> {
        match self.try_to_create(uri, reserve) {
            // The key has another file, or the path of a folder is a file.
            Err(error) if is_taken(&error) => {
                *self = Self::new(self.dir);
                self.try_to_create(uri, reserve)
            }
            created => created,
        }
    }

    fn try_to_create(&self, uri: &str, reserve: &Reserve) -> io::Result<(Copy, File)> {
        let name = uri.strip_prefix("s3://").unwrap_or(uri);
        let path = self.run.join(path_of(name));
        let copy = Copy {
            run: self.run.clone(),
            path,
            missing: None,
        };
        let file = make(&copy.path, reserve).inspect_err(|_| copy.remove_folders())?;
        Ok((copy, file))
    }
}

/// Creates a file that only its owner may read, and its parent folders.
fn make(path: &Path, reserve: &Reserve) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    reserve.open(|| options.open(path))
}

fn is_taken(error: &io::Error) -> bool {
    let kind = error.kind();
    matches!(
        kind,
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn create(round: &mut Round<'_>, uri: &str) -> Copy {
        round.create(uri, &Reserve::default()).unwrap().0
    }

    #[test]
    fn what_is_saved_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("unsaved");
        let mut round = Round::new(&folder);
        let copy = create(&mut round, "s3://bucket/d/a name");
        assert!(copy.path.starts_with(&folder) && copy.path.ends_with("bucket/d/a name"));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&copy.path), 0o600);
        assert_eq!(mode(&folder), 0o700);
    }

    #[test]
    fn no_copy_takes_the_place_of_another() {
        let dir = tempfile::tempdir().unwrap();
        let mut round = Round::new(dir.path());
        let uris = ["s3://bucket/d", "s3://bucket/d", "s3://bucket/d/f"];
        let copies = uris.map(|uri| create(&mut round, uri));
        assert!(copies.iter().all(|copy| copy.path.is_file()));
        for copy in copies {
            copy.remove();
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_later_copy_replaces_the_earlier_one_and_a_stored_object_keeps_none() {
        let dir = tempfile::tempdir().unwrap();
        let (copies, uri) = (Rescues::default(), "s3://bucket/d/f");
        let mut paths = Vec::new();
        for _ in 0..2 {
            let copy = create(&mut Round::new(dir.path()), uri);
            paths.push(copy.path.clone());
            copies.saved(Ino(7), uri.to_owned(), copy);
        }
        assert!(!paths[0].exists() && paths[1].exists());
        copies.retain(&HashSet::from([Ino(7)]));
        let account = copies.account(uri, "refused");
        assert_eq!(account[0].kept_in.as_ref(), Some(&paths[1]));
        copies.retain(&HashSet::new());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(copies.account(uri, "refused")[0].kept_in, None);
    }
}
