//! Reading folders.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::fs::handles::Handle;
use crate::fs::listing::{DirHandle, DirState, Item};
use crate::fs::{Attr, Fs, FsError, HandleId, seen};
use crate::list::ListStream;
use crate::object::EntryName;
use crate::tree::{Entry, Ino, Told};

/// Entries that may be asked for again: the kernel does so when a program's buffer was smaller
/// than ours.
const KEEP: usize = 4096;

/// Offsets 1 and 2 stand behind `.` and `..`; entry `i` is followed by offset `i + 3`.
const DOTS: u64 = 2;

/// An entry on its way to the kernel.
#[derive(Debug)]
pub struct DirEntry<'a> {
    /// Where reading goes on behind it.
    pub next_offset: u64,
    /// Its name.
    pub name: &'a OsStr,
    /// What `stat` shows of it.
    pub attr: Attr,
}

impl Fs {
    /// Opens a folder.
    ///
    /// # Errors
    /// It is no folder.
    pub fn opendir(&self, ino: Ino) -> Result<HandleId, FsError> {
        self.check_dir(ino)?;
        let state = Mutex::new(self.start_listing(ino)?);
        Ok(self
            .handles
            .insert(Handle::Dir(Arc::new(DirHandle { ino, state }))))
    }

    fn start_listing(&self, ino: Ino) -> Result<DirState, FsError> {
        let prefix = self.tree.prefix_of(ino).ok_or(FsError::NotFound)?;
        let first = if ino == Ino::ROOT {
            self.take_root_page()
        } else {
            None
        };
        Ok(DirState {
            is_new: first.is_none(),
            began: first
                .as_ref()
                .map_or_else(Instant::now, |(_, asked)| *asked),
            stream: ListStream::new(Arc::clone(&self.store), prefix, first),
            entries: VecDeque::new(),
            first: 0,
            offered: 0,
            local: self.tree.local_names(ino).into_iter().collect(),
            ended: false,
        })
    }

    /// Offers entries from an offset on, until `offer` says that it is full. Each entry taken with
    /// [`Told::Yes`] counts as told to the kernel.
    ///
    /// # Errors
    /// The store doesn't answer, and nothing has been offered: what comes with an error is thrown
    /// away by the kernel, which would then not know that it was told.
    pub async fn readdir(
        &self,
        handle: HandleId,
        offset: u64,
        mut offer: impl FnMut(DirEntry<'_>) -> Told,
    ) -> Result<(), FsError> {
        let dir = self.handles.dir(handle)?;
        self.crowd.thin_out(&self.kernel);
        let mut state = dir.state.lock().await;
        let mut offset = offset;
        while offset < DOTS {
            let (name, ino) = if offset == 0 {
                (".", dir.ino)
            } else {
                ("..", self.tree.parent(dir.ino).unwrap_or(Ino::ROOT))
            };
            let attr = self.getattr(ino)?;
            let entry = DirEntry {
                next_offset: offset + 1,
                name: OsStr::new(name),
                attr,
            };
            if offer(entry) == Told::Full {
                return Ok(());
            }
            offset += 1;
        }
        let mut number = offset - DOTS;
        let asked_for = number;
        self.list_together(&mut state, dir.ino).await;
        self.seek(&mut state, dir.ino, number).await?;
        if number == 0 && state.fill(&self.tree, dir.ino, 0).await? {
            let listed = state.entries.iter().filter_map(|(item, _)| match item {
                Item::Listed(listed) => Some(listed),
                Item::Local(_) => None,
            });
            self.sample(dir.ino, listed).await;
        }
        loop {
            match state.fill(&self.tree, dir.ino, number).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(_) if number > asked_for => return Ok(()),
                Err(error) => return Err(error),
            }
            let Some(next) = self.offer_known(dir.ino, &mut state, number, &mut offer) else {
                return Ok(());
            };
            number = next;
            state.drop_before(number.saturating_sub(KEEP as u64));
        }
    }

    /// Where a listing has not begun, and it comes with those of other folders, takes that.
    async fn list_together(&self, state: &mut DirState, ino: Ino) {
        if !std::mem::take(&mut state.is_new) {
            return;
        }
        let Some(prefix) = self.tree.prefix_of(ino) else {
            return;
        };
        if let Some(page) = self.listed_together(&prefix).await {
            state.began = page.1;
            state.stream = ListStream::new(Arc::clone(&self.store), prefix, Some(page));
        }
    }

    /// Goes to an entry: forward by reading, back by what is kept or from the beginning.
    async fn seek(&self, state: &mut DirState, ino: Ino, number: u64) -> Result<(), FsError> {
        // Reading from the beginning again is how programs ask for the present state.
        let rewound = number == 0 && state.end() > 0;
        if number < state.first || rewound {
            *state = self.start_listing(ino)?;
            state.is_new = false;
        }
        while number > state.end() && state.fill(&self.tree, ino, state.end()).await? {
            state.drop_before(state.end().saturating_sub(KEEP as u64));
        }
        Ok(())
    }

    /// Offers the entries that are here from `number` on; returns the number of the first that
    /// isn't, or nothing when the kernel has enough.
    fn offer_known(
        &self,
        dir: Ino,
        state: &mut DirState,
        number: u64,
        offer: &mut impl FnMut(DirEntry<'_>) -> Told,
    ) -> Option<u64> {
        let mut at = number;
        let mut full = false;
        let skip = usize::try_from(number - state.first).unwrap_or(usize::MAX);
        for (item, asked) in state.entries.iter().skip(skip) {
            let tell = |name: &EntryName, entry: &Entry| {
                let mut attr = self.attr(entry);
                if self.may_be_rich(dir, entry) {
                    // Whoever looks at it asks us.
                    attr.valid = Duration::ZERO;
                }
                let told = offer(DirEntry {
                    next_offset: at + 1 + DOTS,
                    name: OsStr::new(name.as_str()),
                    attr,
                });
                full = told == Told::Full;
                // A folder may be somebody's working folder, or have mounts below it, which forgetting
                // its name would take away.
                if told == Told::Yes && !attr.is_dir {
                    self.crowd.push(dir, name.clone());
                }
                told
            };
            match item {
                Item::Listed(listed) => {
                    let seen = std::iter::once(seen(listed));
                    self.tree.learn_all(dir, seen, *asked, tell);
                }
                Item::Local(name) => self.tree.tell(dir, name, tell),
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
