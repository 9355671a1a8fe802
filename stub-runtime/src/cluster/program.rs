//! Transfer of this program to the nodes, by its content: a node runs the same program as its caller.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::ClusterError;
use super::spool::{Alone, Bucket, LOCK, Location};
use crate::host::trusted;
use crate::host::unfinished::create_beside;

/// Path of this program, even after its file was replaced or removed.
const SELF: &str = "/proc/self/exe";

/// Folder of programs below a spool, which other calls may be using as well.
const PROGRAMS: &str = "programs";

/// Time after which waiting tasks can't get the program any more: the maximum lifetime of a signature.
const VALID: Duration = Duration::from_hours(7 * 24);

/// Program of a call, as its tasks find it.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// SHA-256 of its bytes, in hexadecimal.
    pub(super) hash: String,
    /// Identity of the file whose bytes were compared with the hash; empty if none was.
    pub(super) stamp: String,
    pub(super) place: ProgramPlace,
}

impl Program {
    /// Has the copy in a folder written to the disk, in the background. A call that is over soon
    /// would only wait for that.
    pub(super) fn sync(&self) {
        let ProgramPlace::Folder(path) = &self.place else {
            return;
        };
        let path = path.clone();
        let thread = thread::Builder::new().name("stub-sync".to_owned());
        // The kernel writes it back in any case.
        let _ = thread.spawn(move || File::open(path).and_then(|file| file.sync_all()));
    }
}

/// Location of a program.
#[derive(Clone, Debug)]
pub(super) enum ProgramPlace {
    /// In the spool.
    Folder(PathBuf),
    /// Perhaps at this path on the nodes, too; else it is fetched from the URL, which grants access
    /// to nothing else.
    Bucket { here: PathBuf, url: String },
}

/// Program that an earlier caller has put into the spool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Staged {
    /// SHA-256 of its bytes, in hexadecimal.
    pub(super) hash: String,
    /// Path of the program on the caller's machine.
    pub(super) path: PathBuf,
}

fn hash_of_self() -> Result<String, ClusterError> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash.clone());
    }
    let hash = File::open(SELF).and_then(hash);
    let hash = hash.map_err(|error| ClusterError::Program(error.to_string()))?;
    Ok(HASH.get_or_init(|| hash).clone())
}

/// Describes this program for a caller that reattaches.
pub(super) fn own() -> Result<Staged, ClusterError> {
    Ok(Staged {
        hash: hash_of_self()?,
        path: fs::read_link(SELF).unwrap_or_default(),
    })
}

/// Returns the location of an earlier caller's program.
pub(super) fn find(location: &Location, staged: &Staged) -> Result<Program, ClusterError> {
    let Staged { hash, path } = staged.clone();
    let place = match location {
        Location::Folder(root) => ProgramPlace::Folder(root.join(PROGRAMS).join(&hash)),
        Location::Bucket(config) => ProgramPlace::Bucket {
            here: path,
            url: Bucket::connect(config, PROGRAMS)?.presigned(&hash, VALID)?,
        },
    };
    Ok(Program {
        hash,
        stamp: String::new(),
        place,
    })
}

fn hash(mut file: File) -> io::Result<String> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Puts this program where the tasks of a call find it, unless it is there. The call's folder must
/// exist before: as long as it does, the program stays.
pub(super) fn stage(location: &Location, call: &str) -> Result<Program, ClusterError> {
    let hash = hash_of_self()?;
    let mut stamp = String::new();
    let place = match location {
        Location::Folder(root) => {
            let path = stage_in_folder(root, call, &hash)?;
            stamp = stamp_of(&path).unwrap_or_default();
            ProgramPlace::Folder(path)
        }
        Location::Bucket(config) => {
            let bucket = Bucket::connect(config, PROGRAMS)?;
            bucket.put_file_once(&hash, Path::new(SELF))?;
            ProgramPlace::Bucket {
                here: fs::read_link(SELF).unwrap_or_default(),
                url: bucket.presigned(&hash, VALID)?,
            }
        }
    };
    Ok(Program { hash, stamp, place })
}

/// Returns the inode, size and change time of a file, as [`script`](super::script) finds them on a
/// node. Whatever is written to the file later has another one.
pub(super) fn stamp_of(path: &Path) -> io::Result<String> {
    let file = fs::metadata(path)?;
    Ok(format!("{}:{}:{}", file.ino(), file.len(), file.ctime()))
}

fn stage_in_folder(root: &Path, call: &str, wanted: &str) -> Result<PathBuf, ClusterError> {
    let programs = root.join(PROGRAMS);
    let _alone = Alone::in_folder(&programs)?;
    // As long as there is the folder of a call, nobody removes what it needs.
    trusted::make_own_folder(&root.join(call))?;
    let path = programs.join(wanted);
    match trusted::open(&path) {
        // What was copied by halves, or changed since, is replaced.
        Ok((file, _)) => {
            if hash(file).is_ok_and(|found| found == wanted) {
                return Ok(path);
            }
        }
        Err(error) if !error.is_missing() => return Err(error.into()),
        Err(_) => {}
    }
    match copy(&path) {
        Ok(()) => Ok(path),
        Err(error) => Err(ClusterError::Program(format!(
            "it can't be copied to `{}`: {error}",
            path.display()
        ))),
    }
}

/// Copies this program. Tasks, and later calls, compare its hash if the machine of the folder loses
/// power before [`Program::sync`].
fn copy(to: &Path) -> io::Result<()> {
    let mut file = create_beside(to, 0o700)?;
    io::copy(&mut File::open(SELF)?, file.as_file_mut())?;
    // A network's file system sends the bytes when the file is closed.
    drop(file.persist(to)?);
    Ok(())
}

/// Removes programs after the last call of a spool. In a bucket they stay, for later calls.
pub(super) fn leave(location: &Location) {
    let Location::Folder(root) = location else {
        return;
    };
    let programs = root.join(PROGRAMS);
    let Ok(_alone) = Alone::in_folder(&programs) else {
        return;
    };
    let is_other =
        |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|entry| entry.file_name() != PROGRAMS);
    let has_others = fs::read_dir(root).map_or(true, |mut entries| entries.any(is_other));
    if !has_others {
        // Files that can't be removed do no harm. The lock is removed last: a process that creates
        // a new lock then finds an empty folder.
        let files = fs::read_dir(&programs).into_iter().flatten().flatten();
        for file in files.filter(|file| file.file_name() != LOCK) {
            let _ = fs::remove_file(file.path());
        }
        let _ = fs::remove_file(programs.join(LOCK)).and_then(|()| fs::remove_dir(&programs));
    }
}

/// Returns whether this process, a task, runs the same program as its caller.
pub(super) fn is_own(hash: &str) -> bool {
    let path = fs::read_link(SELF).unwrap_or_default();
    let is_named_so = path.file_name().is_some_and(|name| name == hash);
    let is_staged = path
        .parent()
        .is_some_and(|folder| folder.ends_with(PROGRAMS));
    // Nobody else can write there, and the script that started this process has compared the file.
    (is_named_so && is_staged) || hash_of_self().is_ok_and(|own| own == hash)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_program_is_there_as_long_as_a_call_needs_it() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Folder(folder.path().to_owned());
        let program = stage(&location, "one").unwrap();
        let ProgramPlace::Folder(path) = &program.place else {
            panic!("{program:?}")
        };
        assert_eq!(hash(File::open(path).unwrap()).unwrap(), program.hash);
        assert_eq!(stamp_of(path).unwrap(), program.stamp);
        stage(&location, "other").unwrap();
        fs::remove_dir_all(folder.path().join("one")).unwrap();
        leave(&location);
        assert!(path.exists());
        fs::remove_dir_all(folder.path().join("other")).unwrap();
        leave(&location);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(is_own(&program.hash) && !is_own("0"));
    }

    #[test]
    fn what_lies_in_the_place_of_a_program_is_replaced_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Folder(folder.path().to_owned());
        let wanted = hash_of_self().unwrap();
        let path = folder.path().join(PROGRAMS).join(&wanted);
        stage(&location, "one").unwrap();
        fs::write(&path, "#!/bin/sh\necho planted\n").unwrap();
        stage(&location, "one").unwrap();
        assert_eq!(hash(File::open(&path).unwrap()).unwrap(), wanted);
        // What others may change could be another program a moment later.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        let error = stage(&location, "one").unwrap_err();
        assert!(error.to_string().contains("mode 0777"), "{error}");
        assert!(!error.may_pass());
    }
}
