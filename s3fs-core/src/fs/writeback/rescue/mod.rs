//! Rescue: bytes that could not be stored are saved in a local folder.

mod copies;
mod names;
mod reserve;

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use crate::fs::open_files::OpenFile;
use crate::fs::writeback::Writeback;
use crate::fs::writeback::failures::NotStored;
use crate::fs::writeback::rescue::copies::{Copy, Rescues, Round};
use crate::fs::writeback::rescue::reserve::Reserve;

/// Local copies of files that could not be stored.
#[derive(Debug)]
pub(super) struct Rescue {
    /// Local folder for the copies.
    folder: Option<PathBuf>,
    copies: Rescues,
    reserve: Reserve,
}

impl Rescue {
    /// Creates a rescue without copies yet.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            copies: Rescues::default(),
            reserve: Reserve::default(),
        }
    }
}

impl Writeback {
    /// Saves the bytes of all files that could not be stored. An earlier copy stays until a newer
    /// one lacks no byte that it has, or the file is stored.
    pub(in crate::fs) async fn rescue_all(&self) {
        let is_last = self.core.lifecycle.gate.is_closed();
        let (mut round, mut unsaved) = (None, HashSet::new());
        for file in self.core.open_files.all() {
            if file.writer.is_stored() || !self.core.is_wanted(file.ino) {
                continue;
            }
            unsaved.insert(file.ino);
            let Some(key) = self.core.last_key_of(file.ino) else {
                continue;
            };
            let uri = self.core.store.uri(&key);
            if !self.failures.has(&uri) {
                // A program is still writing it: it will be stored.
                if !is_last {
                    continue;
                }
                let reason = "it was changed when the mount had been closed";
                self.failures.failed(uri.clone(), reason.to_owned());
            }
            let Some(dir) = &self.rescue.folder else {
                continue;
            };
            let round = round.get_or_insert_with(|| Round::new(dir));
            match self.rescue(round, &file, &uri).await {
                Ok(copy) => self.rescue.copies.saved(file.ino, uri, copy),
                Err(error) => {
                    let failure = format!("{}: {error}", dir.display());
                    self.rescue.copies.failed(file.ino, uri, failure);
                }
            }
        }
        self.rescue.copies.retain(&unsaved);
    }

    /// Saves the bytes of one file. Leaves no incomplete copy behind.
    async fn rescue(&self, round: &mut Round<'_>, file: &OpenFile, uri: &str) -> io::Result<Copy> {
        let (mut copy, saved) = round.create(uri, &self.rescue.reserve)?;
        let rescued = file.writer.rescue(&saved).await;
        let synced = saved.sync_all();
        drop(saved);
        // The next copy needs the descriptor.
        self.rescue.reserve.fill();
        match rescued.and_then(|rescued| synced.map(|()| rescued)) {
            Ok(rescued) => {
                copy.missing = rescued.missing();
                copy.lacks = rescued.lacks();
                copy.length = rescued.length;
                Ok(copy)
            }
            Err(error) => {
                copy.remove();
                Err(error)
            }
        }
    }

    /// Returns the objects that could not be stored until now.
    pub(in crate::fs) fn not_stored(&self) -> Vec<NotStored> {
        let failures = self.failures.open().into_iter();
        let accounts =
            failures.flat_map(|(object, reason)| self.rescue.copies.account(&object, &reason));
        accounts.collect()
    }
}
