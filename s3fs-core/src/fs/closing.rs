//! Closing descriptors of files that were written.
//!
//! A file may have further descriptors after a `close`. The result of `close` says whether the
//! bucket takes the written data. The file is stored after the last close.

use crate::fs::handles::Handle;
use crate::fs::holders::{Wanted, may_write};
use crate::fs::open_files::{OpenFile, WriteHandle};
use crate::fs::requesters::PidNamespace;
use crate::fs::writeback::{Changes, Standing};
use crate::fs::{Fs, FsError, HandleId};
use crate::store::StoreErrorKind;
use crate::write::Place;

impl Fs {
    /// Handles the `close` of one of a program's descriptors.
    ///
    /// # Errors
    /// The file could not be stored, if closing waits for that; or the bucket is found not to take
    /// files.
    pub async fn flush(&self, handle: HandleId, pid: u32) -> Result<(), FsError> {
        match self.handles.get(handle)? {
            Handle::Write(handle) if self.is_one_process(handle.opener, pid).await => {
                self.open_files.flushed(&handle);
                self.closing(&handle, pid).await
            }
            _ => Ok(()),
        }
    }

    async fn closing(&self, handle: &WriteHandle, pid: u32) -> Result<(), FsError> {
        let file = &handle.file;
        if file.writer.is_stored() {
            return Ok(());
        }
        if !self.waits_on_close {
            self.learn_to_store(file).await?;
            if self.outbox.trust.has(Changes::of(&file.place)) {
                self.outbox.room().await;
                return Ok(());
            }
        }
        if self.is_written_still(file, pid).await {
            // The file would be stored in part now.
            return Ok(());
        }
        self.store_now(file).await
    }

    /// Handles a complete change of a file that no program has open. Waits until the file is stored
    /// if a `close` would.
    pub(super) async fn changed_as_a_whole(&self, file: &OpenFile) -> Result<(), FsError> {
        if file.writer.is_stored() {
            return Ok(());
        }
        if self.waits_on_close || !self.outbox.trust.has(Changes::of(&file.place)) {
            return self.store_now(file).await;
        }
        self.outbox.room().await;
        Ok(())
    }

    /// Checks whether the bucket takes files, unless that is known. It starts an upload of the
    /// file's key and aborts it, which changes nothing.
    async fn learn_to_store(&self, file: &OpenFile) -> Result<(), FsError> {
        let (trust, changes) = (&self.outbox.trust, Changes::of(&file.place));
        let is_known = || trust.standing(changes) != Standing::Unknown;
        if is_known() {
            return Ok(());
        }
        let _alone = trust.learning().await;
        if is_known() {
            return Ok(());
        }
        let Some(to) = file.place.destination() else {
            return Ok(());
        };
        if !is_answerable(to.key.as_str()) {
            // Storing the file shows it.
            return Ok(());
        }
        let id = match self.store.create_upload(&to.key, &to.headers).await {
            Ok(id) => id,
            Err(error) if matches!(error.kind, StoreErrorKind::Unsupported(_)) => {
                // Storing the file shows it instead.
                trust.note(changes, true);
                return Ok(());
            }
            Err(error) => {
                trust.note(changes, false);
                return Err(error.into());
            }
        };
        trust.note(changes, true);
        let store = self.store.clone();
        let aborting = async move {
            if let Err(error) = store.abort_upload(&to.key, &id).await {
                tracing::warn!(%error, "failed to abort an upload: its parts stay until a lifecycle rule removes them");
            }
        };
        self.endings
            .spawn_on(aborting, &tokio::runtime::Handle::current());
        Ok(())
    }

    /// Returns whether two threads named by requests are the same, or belong to one process.
    async fn is_one_process(&self, thread: u32, other: u32) -> bool {
        let requesters = self.requesters();
        if thread == other || requesters == PidNamespace::Own {
            return requesters.is_one_process(thread, other);
        }
        let looking = tokio::task::spawn_blocking(move || requesters.is_one_process(thread, other));
        looking.await.unwrap_or(false)
    }

    /// Returns whether the process that closes a file, or a child of it, can still write the file.
    /// A process that is unknown, or may not be inspected, counts as a writer. Its changes are then
    /// stored after the last `close`, and no part of them before.
    async fn is_written_still(&self, file: &OpenFile, pid: u32) -> bool {
        let Some((_, name)) = self.tree.last_place(file.ino) else {
            return false;
        };
        let Some(entry) = self.tree.entry(file.ino) else {
            return false;
        };
        let wanted = Wanted {
            numbers: [entry.number.0, entry.node.0],
            name: name.as_str().to_owned(),
        };
        let requesters = self.requesters();
        let looking = tokio::task::spawn_blocking(move || {
            let thread = requesters.thread(pid);
            thread.is_none_or(|thread| may_write(thread, &wanted))
        });
        looking.await.unwrap_or(true)
    }
}

/// Returns whether an answer about an upload can name the key. XML can't represent some characters:
/// an upload of such a key would start, and could not be aborted.
fn is_answerable(key: &str) -> bool {
    let is_xml =
        |c: char| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || "\t\n\r".contains(c);
    key.chars().all(is_xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_upload_is_begun_that_no_answer_can_name() {
        for key in ["d/a name", "d/\t\n", "ä/<&>\u{7f}"] {
            assert!(is_answerable(key), "{key:?}");
        }
        for key in ["d/x\u{1}y", "\u{1b}[0m", "\u{ffff}"] {
            assert!(!is_answerable(key), "{key:?}");
        }
    }
}
