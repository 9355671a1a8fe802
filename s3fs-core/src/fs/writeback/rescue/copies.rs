//! Local copies of files that could not be stored.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::fs::writeback::failures::NotStored;
use crate::fs::writeback::rescue::names::path_of;
use crate::fs::writeback::rescue::reserve::Reserve;
use crate::tree::Ino;

/// Number of the next round of copies in this process, since mounts share the folder.
static ROUNDS: AtomicU64 = AtomicU64::new(0);

/// Copies of files that could not be stored: the latest one of each, and earlier ones with bytes
/// that it lacks.
#[derive(Debug, Default)]
pub(in crate::fs) struct Rescues(Mutex<BTreeMap<Ino, Saved>>);

/// Local copies of one file.
#[derive(Debug, Default)]
struct Saved {
    /// `s3://bucket/key`.
    object: String,
    /// Copies, the latest one last.
    copies: Vec<Copy>,
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
    /// Ranges that neither it nor a stored object has.
    pub(super) lacks: Vec<Range<u64>>,
    /// Length of the file in bytes.
    pub(super) length: u64,
}

impl Rescues {
    /// Records the latest copy of a file. Removes earlier ones, except those with bytes that it
    /// lacks.
    pub(super) fn saved(&self, ino: Ino, object: String, copy: Copy) {
        let mut copies = self.lock();
        let saved = copies.entry(ino).or_default();
        for earlier in saved.copies.extract_if(.., |earlier| copy.covers(earlier)) {
            earlier.remove();
        }
        saved.object = object;
        saved.failure = None;
        saved.copies.push(copy);
    }

    /// Records that a file could not be copied. The previous copies stay.
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
            for copy in saved.copies {
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
        let (latest, earlier) = match self.copies.split_last() {
            Some((latest, earlier)) => (Some(latest), earlier),
            None => (None, &[][..]),
        };
        if let Some(missing) = latest.and_then(|copy| copy.missing.as_ref()) {
            reason = format!("{reason} ({missing})");
        }
        for copy in earlier {
            let path = copy.path.display();
            reason = format!("{reason}; an earlier copy with some of them is {path}");
        }
        if let Some(failure) = &self.failure {
            let bytes = match latest {
                Some(_) => "changes after the copy",
                None => "its bytes",
            };
            reason = format!("{reason}; {bytes} could not be kept in {failure}");
        }
        NotStored {
            object: self.object.clone(),
            reason,
            kept_in: latest.map(|copy| copy.path.clone()),
        }
    }
}

impl Copy {
    /// Returns whether it lacks no byte that an earlier copy has.
    fn covers(&self, earlier: &Self) -> bool {
        let mut lacks = earlier.lacks.clone();
        lacks.sort_by_key(|range| range.start);
        self.lacks.iter().all(|range| {
            let lacked_until = lacks.iter().fold(range.start, |at, lacked| {
                if lacked.contains(&at) { lacked.end } else { at }
            });
            lacked_until >= range.end.min(earlier.length)
        })
    }

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
            lacks: Vec::new(),
            length: 0,
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

    #[test]
    fn a_copy_stays_until_a_later_one_lacks_no_byte_that_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let (copies, uri) = (Rescues::default(), "s3://bucket/d/f");
        let save = |lacks: &[Range<u64>]| {
            let mut copy = create(&mut Round::new(dir.path()), uri);
            copy.lacks = lacks.to_vec();
            copy.length = 30;
            let path = copy.path.clone();
            copies.saved(Ino(7), uri.to_owned(), copy);
            path
        };
        let whole = save(&[]);
        let first = save(&[10..20, 0..10]);
        assert!(whole.exists() && first.exists());
        let second = save(&[5..15, 40..50]);
        assert!(whole.exists() && !first.exists() && second.exists());
        let third = save(&[14..15, 15..16]);
        assert!(whole.exists() && second.exists() && third.exists());
        let account = copies.account(uri, "refused").remove(0);
        assert_eq!(account.kept_in.as_ref(), Some(&third));
        for earlier in [&whole, &second] {
            let said = account.reason.contains(earlier.to_str().unwrap());
            assert!(said, "{account}");
        }
        let last = save(&[]);
        let paths = [&whole, &second, &third, &last];
        assert_eq!(paths.map(|path| path.exists()), [false, false, false, true]);
    }
}
