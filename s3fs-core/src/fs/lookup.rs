//! From a name to what it stands for.

use std::ffi::OsStr;
use std::time::Instant;

use crate::fs::evidence::Verdict;
use crate::fs::{Attr, Fs, FsError};
use crate::list::{end_of, list_page};
use crate::object::{EntryName, Key};
use crate::store::{ListFrom, ListPage, ListRequest, Store, StoreError};
use crate::tree::{Entry, Ino, Kind, Known, NodeId, Seen, Told};

impl Fs {
    /// What a name stands for, with what is kept of it. The kernel has been told of it when this
    /// returns.
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
        match self.tree.known(dir, name) {
            Known::Entry(entry) => return self.told(dir, name, &entry).await,
            Known::Absent => return Err(FsError::NotFound),
            Known::Unknown => {}
        }
        let (seen, asked) = if let Some(seen) = self.seen_ahead(dir, name).await {
            seen
        } else {
            self.open_with_lookup(dir, name);
            self.ask_and_look(dir, name).await?
        };
        let entry = self.tree.learn(dir, name, seen, asked);
        self.looked_up(entry.as_ref());
        self.told(dir, name, &entry.ok_or(FsError::NotFound)?).await
    }

    /// Looks at an entry, if more may be kept of it than is known, and counts it as told to the kernel.
    async fn told(&self, dir: Ino, name: &EntryName, entry: &Entry) -> Result<Attr, FsError> {
        if self.may_be_rich(dir, entry) {
            match self.look_ahead(dir, name, entry).await {
                // The name stands for another version by now.
                Err(error) if error.is_stale() => {}
                looked => looked?,
            }
        }
        // However long that took.
        let mut attr = None;
        self.tree.tell(dir, name, |_, entry| {
            attr = Some(self.attr(entry));
            Told::Yes
        });
        attr.ok_or(FsError::NotFound)
    }

    /// As [`lookup`](Self::lookup), if the answer is known without asking the store.
    pub fn try_lookup(&self, dir: Ino, name: &OsStr) -> Option<Result<Attr, FsError>> {
        let name = match existing(name) {
            Ok(name) => name,
            Err(error) => return Some(Err(error)),
        };
        match self.tree.known(dir, &name) {
            Known::Entry(entry) if self.may_be_rich(dir, &entry) => return None,
            Known::Entry(_) => {}
            Known::Absent => return Some(Err(absent(&name))),
            Known::Unknown => return None,
        }
        match self.tree.known_told(dir, &name) {
            Known::Entry(entry) => Some(Ok(self.attr(&entry))),
            Known::Absent => Some(Err(absent(&name))),
            Known::Unknown => None,
        }
    }

    /// The kernel forgets an inode it was told of `count` times.
    pub fn forget(&self, node: NodeId, count: u64) {
        self.tree.forget_node(node, count);
    }

    /// Returns the inode that the kernel means by a number.
    pub fn ino(&self, node: NodeId) -> Ino {
        self.tree.ino(node).unwrap_or(Ino::NONE)
    }

    /// What a name stands for now, asking the store if need be.
    pub(super) async fn find(&self, dir: Ino, name: &EntryName) -> Result<Option<Entry>, FsError> {
        match self.tree.known(dir, name) {
            Known::Entry(entry) => return Ok(Some(entry)),
            Known::Absent => return Ok(None),
            Known::Unknown => {}
        }
        let (seen, asked) = self.ask(dir, name).await?;
        Ok(self.tree.learn(dir, name, seen, asked))
    }

    /// Asks the store what a name stands for.
    async fn ask(&self, dir: Ino, name: &EntryName) -> Result<(Seen, Instant), FsError> {
        let key = self.key_in(dir, name)?;
        let asked = Instant::now();
        let seen = match self.ask_with_neighbours(dir, name, &key).await {
            Some(seen) => seen,
            None => self.ask_for(&key).await?,
        };
        self.asked_for(dir, name, &seen);
        Ok((seen, asked))
    }

    /// As [`ask`](Self::ask). What is kept with an object of the name is asked for at the same time, if
    /// there may be more than a listing shows.
    async fn ask_and_look(&self, dir: Ino, name: &EntryName) -> Result<(Seen, Instant), FsError> {
        let key = self.key_in(dir, name)?;
        let is_plain = self.evidence.verdict(dir) == Verdict::Plain;
        if is_plain || self.ahead.has(&key) {
            return self.ask(dir, name).await;
        }
        let marker = Key::new(format!("{key}/"));
        let (asked, described, folder) = tokio::join!(
            self.ask(dir, name),
            self.describe(&key),
            self.describe(&marker)
        );
        let (seen, asked) = asked?;
        if let (Seen::Dir, Ok(folder)) = (&seen, &folder)
            && let Some(entry) = self.tree.learn(dir, name, seen.clone(), asked)
        {
            self.described(entry.ino, folder.as_ref());
        }
        if let (Seen::File(meta), Ok(Some(described))) = (&seen, &described)
            && described.meta.etag == meta.etag
            && let Some(entry) = self.tree.learn(dir, name, seen.clone(), asked)
        {
            self.described(entry.ino, Some(described));
        }
        Ok((seen, asked))
    }

    /// What an open that has begun says of a file that was known before.
    async fn seen_ahead(&self, dir: Ino, name: &EntryName) -> Option<(Seen, Instant)> {
        // Whether a folder hides it, only a listing tells.
        let Some(Kind::File(_)) = self.tree.remembered(dir, name) else {
            return None;
        };
        let key = self.tree.key_in(dir, name)?;
        let opening = self.ahead.get(&key)?;
        let asked = opening.asked;
        let (_, meta) = opening.wait().await.ok()?;
        Some((Seen::File(meta), asked))
    }

    /// One request tells whether there is an object, a folder or neither: all keys that begin with
    /// the name, folded. Only where more than a page of siblings lie between `name` and `name/`
    /// does it take a second one.
    async fn ask_for(&self, key: &Key) -> Result<Seen, StoreError> {
        let request = |prefix, max_keys| ListRequest {
            prefix,
            folded: true,
            from: ListFrom::Beginning,
            max_keys,
        };
        let page = list_page(&*self.store, request(key.as_str(), 1000)).await?;
        if let Some(seen) = decide(&*self.store, &page, key) {
            return Ok(seen);
        }
        let folder = format!("{key}/");
        let below = self.store.list(request(&folder, 1)).await?;
        let is_dir = !below.objects.is_empty() || !below.prefixes.is_empty();
        Ok(if is_dir {
            Seen::Dir
        } else {
            object(&page, key)
        })
    }

    pub(super) fn key_in(&self, dir: Ino, name: &EntryName) -> Result<Key, FsError> {
        let key = self.tree.key_in(dir, name).ok_or(FsError::NotFound)?;
        if key.is_too_long() {
            Err(FsError::KeyTooLong)
        } else if key.as_str().trim().is_empty() {
            // Amazon's library takes it for no key at all.
            Err(FsError::NoKeyName)
        } else {
            Ok(key)
        }
    }

    /// The key of a file. If its name has gone to another inode, looking it up again finds that.
    pub(super) fn key_of(&self, ino: Ino) -> Result<Key, FsError> {
        let (dir, name) = self.tree.place(ino).ok_or(FsError::Stale)?;
        self.key_in(dir, &name)
    }

    pub(super) fn check_dir(&self, ino: Ino) -> Result<(), FsError> {
        match self.tree.entry(ino).ok_or(FsError::NotFound)?.kind {
            Kind::Dir => Ok(()),
            Kind::File(_) => Err(FsError::NotDirectory),
        }
    }
}

/// A name that may exist.
pub(super) fn existing(name: &OsStr) -> Result<EntryName, FsError> {
    EntryName::from_os(name).ok_or(if EntryName::fits(name) {
        FsError::NotFound
    } else {
        FsError::NameTooLong
    })
}

/// A name stands for nothing, and may be too long to be made.
pub(super) fn absent(name: &EntryName) -> FsError {
    if name.may_be_made() {
        FsError::NotFound
    } else {
        FsError::NameTooLong
    }
}

/// A name that stands for nothing yet may be made.
pub(super) fn check_length(name: &EntryName) -> Result<(), FsError> {
    if name.may_be_made() {
        Ok(())
    } else {
        Err(FsError::NameTooLong)
    }
}

/// A name that is to be made, unless it exists and is too long: see [`check_length`].
pub(super) fn possible(name: &OsStr) -> Result<EntryName, FsError> {
    EntryName::from_os(name).ok_or(if EntryName::fits(name) {
        FsError::NoKeyName
    } else {
        FsError::NameTooLong
    })
}

/// What a page with the keys from `key` on says; nothing if more of that name may come on a later one.
pub(super) fn decide(store: &dyn Store, page: &ListPage, key: &Key) -> Option<Seen> {
    let folder = format!("{key}/");
    if page.prefixes.contains(&folder) {
        return Some(Seen::Dir);
    }
    let end = end_of(page, store.capabilities());
    let is_past = page.next.is_none() || end.is_some_and(|end| *end > *folder);
    is_past.then(|| object(page, key))
}

fn object(page: &ListPage, key: &Key) -> Seen {
    let found = page
        .objects
        .iter()
        .find(|object| object.key == key.as_str());
    found.map_or(Seen::Absent, |object| Seen::File(object.meta.clone()))
}
