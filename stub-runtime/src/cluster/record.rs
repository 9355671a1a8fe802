//! Record of a call, for a caller that reattaches: in the user's own state, as it has the key of
//! the call's spool.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::ClusterError;
use super::program::Staged;
use super::seal::SealKey;
use super::spool::failed;
use crate::declare::Engine;
use crate::host::{config, trusted};
use crate::observe::report::write_whole;

/// Format version of the file.
const VERSION: u32 = 1;

/// A call that may be running.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallRecord {
    version: u32,
    /// Id of the call, unique among all calls.
    pub(crate) id: String,
    /// Label of the call: `module::name`, or the name of a command.
    pub(crate) label: Arc<str>,
    /// True if the call has many inputs.
    pub(crate) is_map: bool,
    /// Start time of the call.
    pub(crate) began: Timestamp,
    /// Engine that runs the call.
    pub(crate) engine: Engine,
    /// Location of the spool, as it was written.
    pub(crate) spool: String,
    pub(super) program: Staged,
    key: String,
}

impl CallRecord {
    pub(super) fn new(
        id: &str,
        label: &Arc<str>,
        is_map: bool,
        engine: &Engine,
        spool: &str,
        key: &SealKey,
        program: Staged,
    ) -> Self {
        Self {
            version: VERSION,
            id: id.to_owned(),
            label: Arc::clone(label),
            is_map,
            began: Timestamp::now(),
            engine: engine.clone(),
            spool: spool.to_owned(),
            program,
            key: key.to_text(),
        }
    }

    pub(super) fn key(&self) -> Option<SealKey> {
        SealKey::from_text(&self.key)
    }
}

/// Lease of a call: as long as this value exists, no other process can attend to the call.
#[derive(Debug)]
pub(super) struct Attended {
    path: PathBuf,
    _lock: File,
}

impl Attended {
    /// Stores the record of a call that begins, and takes its lease.
    pub(super) fn begin(record: &CallRecord) -> Result<Self, ClusterError> {
        let folder = folder()?;
        let path = folder.join(format!("{}.json", record.id));
        let write = || -> io::Result<Self> {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)?;
            let bytes = serde_json::to_vec(record)?;
            write_whole(&path, 0o600, &bytes)?;
            let lock = to_lock(&path)?;
            // A file system without locks has no record that two may take up at once without harm;
            // there is no better.
            let _ = lock.try_lock();
            Ok(Self {
                path: path.clone(),
                _lock: lock,
            })
        };
        write().map_err(failed("write", &path))
    }

    /// Takes the lease of a call that an earlier caller began.
    pub(super) fn again(id: &str) -> Result<(CallRecord, Self), ClusterError> {
        let absent = || {
            ClusterError::Unusable(format!(
                "there is no call `{id}` here: it has ended and its values were taken, or another machine or user has it"
            ))
        };
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(absent());
        }
        let path = folder()?.join(format!("{id}.json"));
        let lock = match to_lock(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(absent()),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            return Err(ClusterError::Unusable(format!(
                "the call `{id}` is attended to by another process, which gets its values"
            )));
        }
        let record = match read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(absent()),
            read => read.map_err(failed("read", &path))?,
        };
        Ok((record, Self { path, _lock: lock }))
    }

    /// Removes the record, as the call is over.
    pub(super) fn end(self) {
        // What can't be removed is found again, and then told to be over.
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens a file to lock it. On a network's file system, locking requires write access.
fn to_lock(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Lists the calls that may be running, the latest first.
pub(crate) fn all() -> Result<Vec<CallRecord>, ClusterError> {
    let folder = folder()?;
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", &folder)(error)),
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut records: Vec<CallRecord> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .filter_map(|path| read(&path).ok())
        .collect();
    records.sort_by_key(|record| std::cmp::Reverse(record.began));
    Ok(records)
}

fn read(path: &std::path::Path) -> io::Result<CallRecord> {
    // It says which commands are run to ask about the call.
    let (bytes, _) = trusted::read(path)?;
    let record: CallRecord = serde_json::from_slice(&bytes)?;
    if record.version == VERSION {
        return Ok(record);
    }
    Err(io::Error::other("it is of another version of stub"))
}

fn folder() -> Result<PathBuf, ClusterError> {
    config::calls_folder().ok_or_else(|| {
        ClusterError::Unusable(
            "there is no home to keep a record of the call in; set HOME, or XDG_STATE_HOME"
                .to_owned(),
        )
    })
}
