//! Deletions of objects.

use crate::fs::FsError;
use crate::fs::writeback::Writeback;
use crate::fs::writeback::error_mode::ChangeKind;
use crate::fs::writeback::queue::DesiredState;
use crate::object::{EntryName, Key};
use crate::tree::{Ino, Removed};

impl Writeback {
    /// Deletes an object. A failure is recorded.
    pub(in crate::fs) async fn delete(&self, key: &Key, dir: Ino, name: &EntryName) {
        let deleted = self.core.store.delete(key).await;
        if deleted.is_ok() {
            self.queue.sure(key);
            self.core.zeros.deleted(key);
        }
        self.error_mode.note(ChangeKind::Delete, deleted.is_ok());
        self.account(key, &deleted, "could not be deleted: ");
        // Not repeated later: by then, another client's object may be there.
        let removed = Removed::from(key);
        if deleted.is_ok() {
            self.core.tree.removal_done(dir, name, removed);
        } else {
            self.core.tree.removal_failed(dir, name, removed);
        }
    }

    /// Removes an entry that was made but could not be stored. If the bucket may have its object
    /// all the same, the object is deleted.
    pub(in crate::fs) fn take_back(&self, dir: Ino, name: &EntryName, key: &Key) {
        self.queue.take(key);
        let (uri, removed) = (self.core.store.uri(key), Removed::from(key));
        let may_exist = self.queue.may_exist(key);
        if may_exist && self.core.may_delete() {
            self.failures.settled(&uri);
            self.core.tree.removing(dir, name, removed);
            self.queue
                .want(key, DesiredState::Absent(dir, name.clone()));
        } else {
            if !may_exist {
                self.failures.settled(&uri);
            }
            self.core.tree.uncovered(dir, name, removed);
        }
    }

    /// Deletes an object and waits for the result, before anything changes in the tree: deletion
    /// may not be allowed. The caller must prevent other requests about the key.
    pub(in crate::fs) async fn delete_first(&self, key: &Key) -> Result<(), FsError> {
        let deleted = self.core.store.delete(key).await;
        if deleted.is_ok() {
            self.queue.sure(key);
            self.core.zeros.deleted(key);
        }
        self.error_mode.note(ChangeKind::Delete, deleted.is_ok());
        Ok(deleted?)
    }
}
