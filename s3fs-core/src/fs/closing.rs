//! Closing descriptors of files that were written.
//!
//! A file may have further descriptors after a `close`. The result of `close` says whether the
//! bucket takes the written data. The file is stored after the last close.

use crate::fs::handles::Handle;
use crate::fs::holders::{Wanted, may_write};
use crate::fs::open_files::{OpenFile, WriteHandle};
use crate::fs::requesters::PidNamespace;
use crate::fs::{Fs, FsError, HandleId};

impl Fs {
    /// Handles the `close` of one of a program's descriptors.
    ///
    /// # Errors
    /// The file could not be stored, if closing waits for that; or the bucket is found not to take
    /// files.
    pub async fn flush(&self, handle: HandleId, thread: u32) -> Result<(), FsError> {
        match self.handles.get(handle)? {
            Handle::Write(handle) if self.is_one_process(handle.opener, thread).await => {
                self.core.open_files.flushed(&handle);
                self.closing(&handle, thread).await
            }
            _ => Ok(()),
        }
    }

    async fn closing(&self, handle: &WriteHandle, thread: u32) -> Result<(), FsError> {
        let file = &handle.file;
        if file.writer.is_stored() {
            return Ok(());
        }
        if !self.writeback.close_waits(file).await? {
            return Ok(());
        }
        if self.is_written_still(file, thread).await {
            // The file would be stored in part now.
            return Ok(());
        }
        self.writeback.store_now(file).await
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
    async fn is_written_still(&self, file: &OpenFile, thread: u32) -> bool {
        let Some((_, name)) = self.core.tree.last_place(file.ino) else {
            return false;
        };
        let Some(entry) = self.core.tree.entry(file.ino) else {
            return false;
        };
        let wanted = Wanted {
            numbers: [entry.number.0, entry.node.0],
            name: name.as_str().to_owned(),
        };
        let requesters = self.requesters();
        let looking = tokio::task::spawn_blocking(move || {
            let thread = requesters.thread(thread);
            thread.is_none_or(|thread| may_write(thread, &wanted))
        });
        looking.await.unwrap_or(true)
    }
}
