//! Lookup of names.

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use crate::fs::prefetch::{Verdict, decide, object};
use crate::fs::{Attr, Fs, FsError};
use crate::list::list_page;
use crate::object::{EntryName, Key};
use crate::store::{Capability, ListFrom, ListRequest, StoreError};
use crate::tree::{Cached, Entry, Ino, Kind, ListingEntry, NodeId, Reported};

impl Fs {
    /// Looks up a name. Returns its attributes with the stored metadata. The entry counts as
    /// reported to the kernel.
    ///
    /// # Errors
    /// There is no such name, or the store doesn't answer.
    pub async fn lookup(&self, dir: Ino, name: &OsStr) -> Result<Attr, FsError> {
        let name = existing(name)?;
        let found = self.lookup_name(dir, &name).await;
        found.map_err(|error| match error {
            FsError::NotFound => absent(&name),
            error => error,
        })
    }

    async fn lookup_name(&self, dir: Ino, name: &EntryName) -> Result<Attr, FsError> {
        match self.core.tree.cached(dir, name) {
            Cached::Entry(entry) => return self.told(dir, name, &entry).await,
            Cached::Absent => return Err(FsError::NotFound),
            Cached::Unknown => {}
        }
        let (seen, asked) = if let Some(seen) = self.seen_ahead(dir, name).await {
            seen
        } else {
            self.prefetch.open_with_lookup(dir, name);
            self.ask_and_look(dir, name).await?
        };
        let entry = self.core.tree.apply(dir, name, seen, asked);
        self.prefetch.looked_up(entry.as_ref());
        self.told(dir, name, &entry.ok_or(FsError::NotFound)?).await
    }

    /// Requests the metadata of an entry if it may have more than is cached. Counts the entry as
    /// reported to the kernel.
    async fn told(&self, dir: Ino, name: &EntryName, entry: &Entry) -> Result<Attr, FsError> {
        if self.prefetch.may_be_rich(dir, entry) {
            match self.prefetch.look_ahead(dir, name, entry).await {
                // The name stands for another version by now.
                Err(error) if error.is_stale() => {}
                looked => looked?,
            }
        }
        // The entry is read again, since the request may have taken long.
        let mut attr = None;
        self.core.tree.report(dir, name, |_, entry| {
            attr = Some(self.attr(entry));
            Reported::Yes
        });
        attr.ok_or(FsError::NotFound)
    }

    /// Looks up a name, if the answer is cached.
    pub fn try_lookup(&self, dir: Ino, name: &OsStr) -> Option<Result<Attr, FsError>> {
        let name = match existing(name) {
            Ok(name) => name,
            Err(error) => return Some(Err(error)),
        };
        match self.core.tree.cached(dir, &name) {
            Cached::Entry(entry) if self.prefetch.may_be_rich(dir, &entry) => return None,
            Cached::Entry(_) => {}
            Cached::Absent => return Some(Err(absent(&name))),
            Cached::Unknown => return None,
        }
        match self.core.tree.cached_and_reported(dir, &name) {
            Cached::Entry(entry) => Some(Ok(self.attr(&entry))),
            Cached::Absent => Some(Err(absent(&name))),
            Cached::Unknown => None,
        }
    }

    /// Returns the time for which the kernel may take a name for absent without asking again; `None` if
    /// it is to ask each time.
    pub fn absent_for(&self, dir: Ino, name: &OsStr) -> Option<Duration> {
        let name = EntryName::from_os(name).filter(|_| !self.core.freshness.is_checked())?;
        self.core.tree.absent_for(dir, &name)
    }

    /// Drops `count` of the kernel's references to an inode.
    pub fn forget(&self, node: NodeId, count: u64) {
        self.core.tree.forget_node(node, count);
    }

    /// Returns the inode for a node number of the kernel.
    pub fn ino(&self, node: NodeId) -> Ino {
        self.core.tree.ino(node).unwrap_or(Ino::NONE)
    }

    /// Returns the entry of a name that is about to be changed. Asks the store unless its answer is
    /// recent.
    pub(super) async fn find(&self, dir: Ino, name: &EntryName) -> Result<Option<Entry>, FsError> {
        let age = self.core.freshness.ttl_for_changes();
        match self.core.tree.cached_within(dir, name, age) {
            Cached::Entry(entry) => return Ok(Some(entry)),
            Cached::Absent => return Ok(None),
            Cached::Unknown => {}
        }
        let (seen, asked) = self.ask(dir, name).await?;
        Ok(self.core.tree.apply(dir, name, seen, asked))
    }

    /// Asks the store what a name stands for.
    async fn ask(&self, dir: Ino, name: &EntryName) -> Result<(ListingEntry, Instant), FsError> {
        let key = self.core.key_in(dir, name)?;
        let asked = Instant::now();
        let seen = match self.prefetch.ask_with_neighbours(dir, name, &key).await {
            Some(seen) => seen,
            None => self.ask_for(&key).await?,
        };
        self.prefetch.asked_for(dir, name, &seen);
        Ok((seen, asked))
    }

    /// Asks the store what a name stands for, as [`ask`](Self::ask) does. If an object of the name
    /// may have more metadata than a listing shows, that is requested at the same time.
    async fn ask_and_look(
        &self,
        dir: Ino,
        name: &EntryName,
    ) -> Result<(ListingEntry, Instant), FsError> {
        let key = self.core.key_in(dir, name)?;
        let is_plain = self.prefetch.verdict(dir) == Verdict::Plain;
        if is_plain || self.prefetch.is_opening(&key) {
            return self.ask(dir, name).await;
        }
        let marker = Key::new(format!("{key}/"));
        let (asked, described, folder) = if self.lists_names() {
            tokio::join!(
                self.ask(dir, name),
                self.core.describe(&key),
                self.core.describe(&marker)
            )
        } else {
            let began = Instant::now();
            let asking = async {
                match self.prefetch.ask_with_neighbours(dir, name, &key).await {
                    Some(seen) => Ok((seen, None)),
                    None => self.ask_separately(&key).await,
                }
            };
            let (answer, folder) = tokio::join!(asking, self.core.describe(&marker));
            let (seen, object) = answer?;
            self.prefetch.asked_for(dir, name, &seen);
            (Ok((seen, began)), Ok(object), folder)
        };
        let (seen, asked) = asked?;
        if let (ListingEntry::Dir, Ok(folder)) = (&seen, &folder)
            && let Some(entry) = self.core.tree.apply(dir, name, seen.clone(), asked)
        {
            self.prefetch.described(entry.ino, folder.as_ref());
        }
        if let (ListingEntry::File(meta), Ok(Some(described))) = (&seen, &described)
            && described.meta.etag == meta.etag
            && let Some(entry) = self.core.tree.apply(dir, name, seen.clone(), asked)
        {
            self.prefetch.described(entry.ino, Some(described));
        }
        Ok((seen, asked))
    }

    /// Returns the result of an open under way for a file that was known before.
    async fn seen_ahead(&self, dir: Ino, name: &EntryName) -> Option<(ListingEntry, Instant)> {
        // Only a listing shows whether a folder hides it.
        let Some(Kind::File(_)) = self.core.tree.remembered(dir, name) else {
            return None;
        };
        let key = self.core.tree.key_in(dir, name)?;
        let opening = self.prefetch.opening(&key)?;
        let asked = opening.asked;
        let (_, meta) = opening.wait().await.ok()?;
        Some((ListingEntry::File(meta), asked))
    }

    /// Returns whether a page may begin with a name, instead of with a folder.
    fn lists_names(&self) -> bool {
        self.core.store.capabilities().has(Capability::AnyPrefix)
    }

    /// Asks the store whether a key is an object, a folder or neither. One folded listing of all
    /// keys that begin with the name decides. A second request is needed only if more than a page
    /// of siblings lie between `name` and `name/`.
    async fn ask_for(&self, key: &Key) -> Result<ListingEntry, StoreError> {
        if !self.lists_names() {
            return self.ask_separately(key).await.map(|(seen, _)| seen);
        }
        let request = |prefix, max_keys| ListRequest {
            prefix,
            folded: true,
            from: ListFrom::Beginning,
            max_keys,
        };
        let page = list_page(&*self.core.store, request(key.as_str(), 1000)).await?;
        if let Some(seen) = decide(&*self.core.store, &page, key) {
            return Ok(seen);
        }
        let folder = format!("{key}/");
        let below = list_page(&*self.core.store, request(&folder, 1)).await?;
        let is_dir = !below.objects.is_empty() || !below.prefixes.is_empty();
        Ok(if is_dir {
            ListingEntry::Dir
        } else {
            object(&page, key)
        })
    }
}

/// Converts a name that may exist.
pub(super) fn existing(name: &OsStr) -> Result<EntryName, FsError> {
    EntryName::from_os(name).ok_or(if EntryName::fits(name) {
        FsError::NotFound
    } else {
        FsError::NameTooLong
    })
}

/// Returns the error for a missing name: another one if it is too long for a new entry.
pub(super) fn absent(name: &EntryName) -> FsError {
    if name.may_be_made() {
        FsError::NotFound
    } else {
        FsError::NameTooLong
    }
}

/// Checks that a name is short enough for a new entry.
pub(super) fn check_length(name: &EntryName) -> Result<(), FsError> {
    if name.may_be_made() {
        Ok(())
    } else {
        Err(FsError::NameTooLong)
    }
}

/// Converts a name of a new or existing entry. [`check_length`] checks the length of a new one.
pub(super) fn possible(name: &OsStr) -> Result<EntryName, FsError> {
    EntryName::from_os(name).ok_or(if EntryName::fits(name) {
        FsError::NoKeyName
    } else {
        FsError::NameTooLong
    })
}
