//! Renaming folders: every key below the folder is copied, then every old one is deleted. If a copy
//! fails, the copies are deleted again. Each object has at least one key at any time.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, StreamExt};

use crate::fs::copies::{AT_ONCE, Answer, Copied, Silence};
use crate::fs::emptied::emptied_folders;
use crate::fs::rename::Named;
use crate::fs::writeback::{ChangeKind, DesiredState};
use crate::fs::{Fs, FsError};
use crate::object::{ETag, Key, ObjectRef};
use crate::store::{CopiedHeaders, ListFrom, ListRequest, ListedObject};
use crate::tree::{Entry, Ino, Removed};
use crate::write::copy_object;

/// Object below a folder to rename, and its new key.
#[derive(Clone, Debug)]
struct Moving {
    old: ObjectRef,
    to: Key,
}

/// Failure of copying a folder: a copy failed, or its answer was lost.
#[derive(Debug)]
struct CopyFailed {
    /// Copies that may exist.
    copies: Vec<Copied>,
    error: FsError,
}

impl Moving {
    fn copied(&self, answer: Answer) -> Copied {
        Copied {
            source: self.old.clone(),
            to: self.to.clone(),
            answer,
        }
    }
}

fn copies_of(moved: &[(Moving, ETag)]) -> Vec<Copied> {
    let moved = moved.iter();
    moved
        .map(|(moving, etag)| moving.copied(Answer::Version(etag.clone())))
        .collect()
}

impl Fs {
    pub(super) async fn rename_folder(
        &self,
        entry: &Entry,
        from: &Named,
        to: &Named,
        target: Option<&Entry>,
    ) -> Result<(), FsError> {
        if self.core.tree.is_within(to.dir, entry.ino) {
            return Err(FsError::Invalid("a folder can't be moved into itself"));
        }
        let (from_prefix, to_prefix) = (format!("{}/", from.key), format!("{}/", to.key));
        let mut has_target_marker = false;
        if let Some(target) = target {
            let marker = Key::new(to_prefix.as_str());
            self.settle_entries(&marker).await?;
            has_target_marker = self.check_empty(target, &marker).await?;
        }
        for file in self.core.open_files.all() {
            if self.core.tree.is_within(file.ino, entry.ino) && file.writer.is_streaming().await {
                self.writeback.store_now(&file).await?;
            }
        }
        self.writeback
            .store_copied_ranges(&from_prefix, Ino::ROOT)
            .await?;
        self.writeback.queue.settle_below(&from_prefix).await?;
        self.writeback.queue.settle_below(&to_prefix).await?;
        // No request stores an object under keys that are about to change.
        let _alone = self.writeback.move_folder().await;
        let moving = self.keys_to_move(&from_prefix, &to_prefix).await?;
        let has_marker = moving
            .iter()
            .any(|moving| moving.old.key.as_str() == from_prefix);
        self.check_keys_below(entry.ino, &to_prefix)?;
        // A folder without keys would vanish, so it gets a marker. If it replaces a folder with a
        // marker, that marker has the metadata of the replaced folder. The marker existed before,
        // so it is not deleted as a copy.
        let kept = has_target_marker.then(|| Key::new(to_prefix.as_str()));
        let needs_marker = moving.is_empty() || has_target_marker && !has_marker;
        let moved = match self.copy_all(moving).await {
            Ok(moved) => moved,
            Err(CopyFailed { copies, error }) => {
                self.delete_copies(copies, kept.as_ref()).await;
                return Err(error);
            }
        };
        let mut old: Vec<Key> = moved
            .iter()
            .map(|(moving, _)| moving.old.key.clone())
            .collect();
        self.delete_one_first(&mut old, &moved, kept.as_ref())
            .await?;
        // The new keys are known before the old ones go.
        self.core
            .tree
            .rename(from.dir, &from.name, to.dir, &to.name);
        self.prefetch.made(to.dir);
        self.core.open_files.changed();
        for (ino, path) in self.core.tree.files_below(entry.ino) {
            self.follow(ino, &from_prefix, &path, &moved).await;
        }
        self.settle_copies(&moved);
        let (tree, removed) = (&self.core.tree, Removed::Dir);
        if self.delete_old(&from_prefix, old).await {
            tree.removal_done(from.dir, &from.name, removed);
        } else {
            tree.removal_failed(from.dir, &from.name, removed);
        }
        if needs_marker {
            self.core.tree.pin(entry.ino);
            self.writeback.queue.want(
                &Key::new(to_prefix.as_str()),
                DesiredState::Marker(entry.ino),
            );
        }
        self.writeback.keep(from.dir);
        Ok(())
    }

    /// Lists the objects below a folder, except those that are to be deleted anyway.
    async fn keys_to_move(&self, from: &str, to: &str) -> Result<Vec<Moving>, FsError> {
        let mut moving = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let request = ListRequest {
                prefix: from,
                folded: false,
                from: ListFrom::following(next.as_deref()),
                max_keys: 1000,
            };
            self.check_may_wait()?;
            let page = self.core.store.list(request).await?;
            for ListedObject { key, meta } in page.objects {
                let to = Key::new(format!("{to}{}", &key[from.len()..]));
                if to.is_too_long() {
                    return Err(FsError::KeyTooLong);
                }
                let key = Key::new(key);
                let is_gone = matches!(
                    self.writeback.queue.wanted(&key),
                    Some(DesiredState::Absent(..))
                ) || self.orphans.keeps(&key);
                if !is_gone {
                    let old = ObjectRef {
                        key,
                        etag: meta.etag,
                        size: meta.size,
                    };
                    moving.push(Moving { old, to });
                }
            }
            next = page.next;
            if next.is_none() {
                return Ok(moving);
            }
        }
    }

    /// Copies all objects. After a failure, no copy is under way.
    ///
    /// # Errors
    /// A copy failed. The error has the copies that may exist, including one whose answer was lost.
    async fn copy_all(&self, all: Vec<Moving>) -> Result<Vec<(Moving, ETag)>, CopyFailed> {
        let target = self.core.target();
        let has_failed = AtomicBool::new(false);
        let begun = all.into_iter().take_while(|_| {
            !has_failed.load(Ordering::Acquire) && !self.core.lifecycle.end.waits_ended()
        });
        let copying = begun.map(|moving| {
            let target = target.clone();
            async move {
                let copied =
                    copy_object(&target, &moving.old, &moving.to, CopiedHeaders::Source).await;
                (moving, copied)
            }
        });
        let mut copying = stream::iter(copying).buffer_unordered(AT_ONCE);
        let (mut moved, mut unsure, mut failure) = (Vec::new(), Vec::new(), Ok(()));
        // After a failure, copies under way are awaited, so that none is left behind.
        while let Some((moving, copied)) = copying.next().await {
            match copied {
                Ok(new) => moved.push((moving, new.etag)),
                Err(error) => {
                    has_failed.store(true, Ordering::Release);
                    if error.is_unknown() {
                        unsure.push(moving.copied(Answer::Lost(None)));
                    }
                    failure = Err(FsError::from(error));
                }
            }
        }
        drop(copying);
        if let Err(error) = failure.and_then(|()| self.check_may_wait()) {
            let mut copies = copies_of(&moved);
            copies.append(&mut unsure);
            return Err(CopyFailed { copies, error });
        }
        moved.sort_by(|(a, _), (b, _)| a.old.key.cmp(&b.old.key));
        Ok(moved)
    }

    /// Deletes one of the old objects before anything changes in the tree, if deletions may not be
    /// allowed.
    async fn delete_one_first(
        &self,
        old: &mut Vec<Key>,
        moved: &[(Moving, ETag)],
        kept: Option<&Key>,
    ) -> Result<(), FsError> {
        if self.writeback.reports_later(ChangeKind::Delete) {
            return Ok(());
        }
        let Some(key) = old.pop() else {
            return Ok(());
        };
        let Err(error) = self.writeback.delete_first(&key).await else {
            return Ok(());
        };
        let mut copies = copies_of(moved);
        if error.is_unknown() {
            if matches!(self.core.describe(&key).await, Ok(None)) {
                // It was deleted, and the answer was lost.
                return Ok(());
            }
            // The object may yet be deleted: its copy stays, so that one of the two exists.
            let copy = moved.iter().find(|(moving, _)| moving.old.key == key);
            if let Some((moving, _)) = copy {
                copies.retain(|copy| copy.to != moving.to);
                let reason =
                    format!("stays as a copy of {key}, whose deletion had no answer: {error}");
                self.writeback.failed(&moving.to, reason);
            }
        }
        self.delete_copies(copies, kept).await;
        Err(error)
    }

    /// Checks that no file below a folder gets a key that is too long, including files not stored
    /// yet.
    fn check_keys_below(&self, dir: Ino, to: &str) -> Result<(), FsError> {
        let mut files = self.core.tree.files_below(dir).into_iter();
        let is_too_long = |(_, path): (Ino, String)| Key::new(format!("{to}{path}")).is_too_long();
        if files.any(is_too_long) {
            Err(FsError::KeyTooLong)
        } else {
            Ok(())
        }
    }

    /// Clears earlier failures of the new keys, which have the copies now.
    fn settle_copies(&self, moved: &[(Moving, ETag)]) {
        for (moving, _) in moved {
            self.writeback.queue.sure(&moving.to);
            self.writeback.settled(&moving.to);
        }
    }

    /// Deletes the copies of a failed rename, except that of a key that had an object before.
    /// Copies that stay are recorded as failures.
    async fn delete_copies(&self, copies: Vec<Copied>, kept: Option<&Key>) {
        let mut copies = copies;
        copies.retain(|copy| Some(&copy.to) != kept);
        self.undo_copies(copies).await;
    }

    /// Deletes the old keys, and the folders that a server still lists without them. Returns whether all
    /// keys are deleted.
    async fn delete_old(&self, prefix: &str, old: Vec<Key>) -> bool {
        let folders = emptied_folders(prefix, &old);
        let failed = self.delete_all(old).await;
        let is_deleted = failed.is_empty();
        for (key, why) in failed {
            let reason = format!("was renamed, and could not be deleted: {why}");
            self.writeback.failed(&key, reason);
        }
        self.delete_emptied(folders).await;
        is_deleted
    }

    /// Deletes objects. Returns the keys that may not be deleted, each with the reason. After a
    /// request without an answer, no other one begins.
    async fn delete_all(&self, keys: Vec<Key>) -> Vec<(Key, String)> {
        let silence = Silence::default();
        let silence = &silence;
        let deleting = keys.into_iter().map(|key| async move {
            if silence.has_begun() {
                return Some((key, Silence::REASON.to_owned()));
            }
            let error = self.core.store.delete(&key).await.err()?;
            silence.note(&error);
            Some((key, error.to_string()))
        });
        let deleting = stream::iter(deleting).buffer_unordered(AT_ONCE);
        deleting.filter_map(async |failed| failed).collect().await
    }

    /// Updates the key and version of a cached file below the folder.
    async fn follow(&self, ino: Ino, from: &str, path: &str, moved: &[(Moving, ETag)]) {
        let old_key = format!("{from}{path}");
        let found = moved
            .binary_search_by(|(moving, _)| moving.old.key.as_str().cmp(&old_key))
            .ok()
            .map(|at| &moved[at]);
        if let Some((Moving { old, to }, etag)) = found
            && self.core.file(ino).and_then(|file| file.etag).as_ref() == Some(&old.etag)
        {
            let new = ObjectRef {
                key: to.clone(),
                etag: etag.clone(),
                size: old.size,
            };
            self.core.moved(ino, old, new).await;
        }
    }
}
