//! Reading folders.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::fs::handles::Handle;
use crate::fs::listing::{DirHandle, DirState, Item};
use crate::fs::{Attr, Fs, FsError, HandleId, seen};
use crate::list::ListStream;
use crate::object::EntryName;
use crate::tree::{Entry, Ino, ListingCache, Reported};

/// Number of entries kept to be read again: the kernel does so when a program's buffer was smaller
/// than ours.
const KEEP: usize = 4096;

/// Number of entries before the listed ones: `.` and `..`. Offset `i + 3` follows listed entry `i`.
const DOTS: u64 = 2;

/// Listing of an open folder: the first or a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    /// First listing since the folder was opened.
    First,
    /// Later listing, after `rewinddir` or `seekdir`.
    Again,
}

/// Entry to report to the kernel.
#[derive(Debug)]
pub struct DirEntry<'a> {
    /// Offset of the entry behind it.
    pub next_offset: u64,
    /// Its name.
    pub name: &'a OsStr,
    /// Attributes of the entry.
    pub attr: Attr,
}

impl Fs {
    /// Opens a folder.
    ///
    /// # Errors
    /// The inode is not a folder.
    pub fn opendir(&self, ino: Ino) -> Result<HandleId, FsError> {
        self.core.check_dir(ino)?;
        let state = Mutex::new(None);
        self.core.tree.opened(ino);
        Ok(self
            .handles
            .insert(Handle::Dir(Arc::new(DirHandle { ino, state }))))
    }

    /// Returns how a new handle of a folder uses the kernel's copy of the listing; `None` if the kernel
    /// is to have no copy.
    pub fn listing_cache(&self, ino: Ino, handle: HandleId) -> Option<ListingCache> {
        let is_checked = self.core.freshness.is_checked();
        (!is_checked).then(|| self.core.tree.open_listing(ino, handle.0))
    }

    /// Releases a handle of a folder.
    pub(super) fn closedir(&self, handle: HandleId, ino: Ino) {
        self.core.tree.listing_closed(ino, handle.0);
        self.core.tree.closed(ino);
    }

    /// Returns a listing of a folder whose names are known, if the mount may use them again.
    fn known_listing(&self, ino: Ino, prefix: &str) -> Option<DirState> {
        if self.core.freshness.is_checked() {
            return None;
        }
        let (names, asked) = self.core.tree.whole(ino)?;
        let names = names.into_iter().map(|name| (Item::Local(name), asked));
        let stream = ListStream::new(Arc::clone(&self.core.store), prefix.to_owned(), None);
        Some(DirState {
            entries: names.collect(),
            ended: true,
            ..DirState::new(stream, asked, HashSet::new())
        })
    }

    /// Starts a listing of the current state. Only the first listing of a handle may start with a
    /// page that was requested ahead.
    async fn start_listing(&self, ino: Ino, pass: Pass) -> Result<DirState, FsError> {
        let prefix = self.core.tree.prefix_of(ino).ok_or(FsError::NotFound)?;
        // Before the store is asked: what is stored meanwhile is in one of the two.
        let local = self.core.tree.local_names(ino).into_iter().collect();
        let first = match pass {
            Pass::First if ino == Ino::ROOT => self.prefetch.take_root_page(),
            Pass::First | Pass::Again => None,
        };
        if first.is_none()
            && let Some(known) = self.known_listing(ino, &prefix)
        {
            return Ok(known);
        }
        let first = match (pass, first) {
            (Pass::First, None) => self.prefetch.listed_together(&prefix).await,
            (_, first) => first,
        };
        let began = first.as_ref().map(|(_, asked)| *asked);
        let stream = ListStream::new(Arc::clone(&self.core.store), prefix, first);
        let began = began.unwrap_or_else(Instant::now);
        Ok(DirState::new(stream, began, local))
    }

    /// Offers entries from an offset on, until `offer` says that it is full. Each entry taken with
    /// [`Reported::Yes`] counts as reported to the kernel.
    ///
    /// # Errors
    /// The store doesn't answer, and no entry was offered. After the first entry no error is
    /// returned: the kernel would discard the entries that come with it, though they count as
    /// reported.
    pub async fn readdir(
        &self,
        handle: HandleId,
        offset: u64,
        mut offer: impl FnMut(DirEntry<'_>) -> Reported,
    ) -> Result<(), FsError> {
        let dir = self.handles.dir(handle)?;
        self.dentry_limit.thin_out(&self.kernel);
        let mut state = dir.state.lock().await;
        // Programs read from the beginning to get the current state.
        let pass = match &*state {
            None => Some(Pass::First),
            Some(_) if offset == 0 => Some(Pass::Again),
            Some(_) => None,
        };
        let mut offset = offset;
        while offset < DOTS {
            let (name, ino) = if offset == 0 {
                (".", dir.ino)
            } else {
                ("..", self.core.tree.parent(dir.ino).unwrap_or(Ino::ROOT))
            };
            let attr = self.getattr(ino)?;
            let entry = DirEntry {
                next_offset: offset + 1,
                name: OsStr::new(name),
                attr,
            };
            if offer(entry) == Reported::Full {
                return Ok(());
            }
            offset += 1;
        }
        let mut number = offset - DOTS;
        let asked_for = number;
        if let Some(pass) = pass {
            let mut started = self.start_listing(dir.ino, pass).await?;
            if asked_for > 0 {
                // The entries before were read from the kernel's copy, which it has lost.
                self.arrange(&mut started, dir.ino, handle).await?;
            } else if let Some(order) = self.core.tree.listing_began(dir.ino, handle.0) {
                started.record(order);
            }
            *state = Some(started);
        }
        let Some(state) = state.as_mut() else {
            return Ok(());
        };
        self.seek(state, dir.ino, handle, number).await?;
        if number == 0 && state.fill(&self.core.tree, dir.ino, 0).await? {
            let listed = state.entries.iter().filter_map(|(item, _)| match item {
                Item::Listed(listed) => Some(listed),
                Item::Local(_) | Item::Gone => None,
            });
            self.prefetch.sample(dir.ino, listed).await;
        }
        loop {
            match state.fill(&self.core.tree, dir.ino, number).await {
                Ok(true) => {}
                Ok(false) => {
                    self.say_hidden(state.stream.prefix(), state.stream.hidden());
                    if state.offered >= state.end()
                        && let Some(order) = state.take_order()
                    {
                        let (tree, began) = (&self.core.tree, state.began);
                        tree.listing_ended(dir.ino, handle.0, began, order);
                    }
                    return Ok(());
                }
                Err(_) if number > asked_for => return Ok(()),
                Err(error) => return Err(error),
            }
            let Some(next) = self.offer_known(dir.ino, state, number, &mut offer) else {
                return Ok(());
            };
            number = next;
            state.drop_before(number.saturating_sub(KEEP as u64));
        }
    }

    /// Moves to an entry: forward by reading, back within the kept entries or by a new listing.
    async fn seek(
        &self,
        state: &mut DirState,
        ino: Ino,
        handle: HandleId,
        number: u64,
    ) -> Result<(), FsError> {
        if number < state.first {
            let mut again = self.start_listing(ino, Pass::Again).await?;
            match state.take_order() {
                Some(order) => again.arrange(&self.core.tree, ino, &order).await?,
                None => self.arrange(&mut again, ino, handle).await?,
            }
            *state = again;
        }
        while number > state.end() && state.fill(&self.core.tree, ino, state.end()).await? {
            state.drop_before(state.end().saturating_sub(KEEP as u64));
        }
        Ok(())
    }

    /// Gives the entries of a listing the numbers that a handle may have read from the kernel's copy.
    async fn arrange(
        &self,
        listing: &mut DirState,
        ino: Ino,
        handle: HandleId,
    ) -> Result<(), FsError> {
        match self.core.tree.listing_order(ino, handle.0) {
            Some(order) => listing.arrange(&self.core.tree, ino, &order).await,
            None => Ok(()),
        }
    }

    /// Offers the fetched entries from `number` on. Returns the number of the first entry that is
    /// not fetched, or nothing when the kernel's buffer is full.
    fn offer_known(
        &self,
        dir: Ino,
        state: &mut DirState,
        number: u64,
        offer: &mut impl FnMut(DirEntry<'_>) -> Reported,
    ) -> Option<u64> {
        let mut at = number;
        let mut full = false;
        let node = self.core.tree.entry(dir).map(|entry| entry.node);
        let skip = usize::try_from(number - state.first).unwrap_or(usize::MAX);
        for (item, asked) in state.entries.iter().skip(skip) {
            let tell = |name: &EntryName, entry: &Entry| {
                let mut attr = self.attr(entry);
                if self.prefetch.may_be_rich(dir, entry) {
                    // The kernel must ask again before it shows the attributes.
                    attr.valid = Duration::ZERO;
                }
                let told = offer(DirEntry {
                    next_offset: at + 1 + DOTS,
                    name: OsStr::new(name.as_str()),
                    attr,
                });
                full = told == Reported::Full;
                // A folder may be a working directory or have mounts below it, which forgetting its
                // name would take away.
                if told == Reported::Yes
                    && !attr.is_dir
                    && let Some(node) = node
                {
                    self.dentry_limit.push(node, name.clone());
                }
                told
            };
            match item {
                Item::Listed(listed) => {
                    let seen = std::iter::once(seen(listed));
                    self.core.tree.apply_all(dir, seen, *asked, tell);
                }
                Item::Local(name) => self.core.tree.report(dir, name, tell),
                Item::Gone => {}
            }
            if full {
                break;
            }
            at += 1;
        }
        if state.offered >= number {
            state.offered = state.offered.max(at);
        }
        (!full).then_some(at)
    }
}
