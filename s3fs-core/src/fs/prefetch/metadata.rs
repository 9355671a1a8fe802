//! Stored metadata of an object, requested from the store: mode, owner, times, and whether it is a
//! symlink.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::{BoxFuture, FutureExt, Shared, join_all};

use crate::fs::FsError;
use crate::fs::prefetch::Prefetch;
use crate::fs::prefetch::directory_scan::STEP;
use crate::fs::prefetch::folders::Scan;
use crate::fs::prefetch::metadata_heuristic::{SAMPLE, Verdict};
use crate::list::Listed;
use crate::object::{EntryName, Key};
use crate::ordered::{LAST, Ordered};
use crate::store::{Described, StoreErrorKind};
use crate::tree::{Entry, Ino, Kind, ListingEntry, StoredAttrs};

/// Request for the metadata of an entry, shared by all who wait for it.
type SharedLook = Shared<BoxFuture<'static, Result<(), FsError>>>;

/// Metadata requests under way, by entry.
#[derive(Debug, Default)]
pub(super) struct MetadataRequests(Ordered<HashMap<Ino, SharedLook>, LAST>);

impl MetadataRequests {
    fn get(&self, ino: Ino) -> Option<SharedLook> {
        self.lock(|looking| looking.get(&ino).cloned())
    }

    /// Returns the request that is under way. If there is none, starts one.
    fn begin(
        &self,
        ino: Ino,
        look: impl Future<Output = Result<(), FsError>> + Send + 'static,
    ) -> SharedLook {
        self.lock(|all| {
            if let Some(looking) = all.get(&ino) {
                return looking.clone();
            }
            let looking = look.boxed().shared();
            all.insert(ino, looking.clone());
            tokio::spawn(looking.clone());
            looking
        })
    }

    fn ended(&self, ino: Ino) {
        self.lock(|looking| looking.remove(&ino));
    }

    fn lock<T>(&self, act: impl FnOnce(&mut HashMap<Ino, SharedLook>) -> T) -> T {
        act(&mut self.0.lock())
    }
}

impl Prefetch {
    /// Returns the entry with its stored metadata.
    ///
    /// # Errors
    /// The store doesn't answer, or has another version by now.
    pub(in crate::fs) async fn look(&self, ino: Ino) -> Result<Entry, FsError> {
        let entry = self.core.tree.entry(ino).ok_or(FsError::NotFound)?;
        if entry.attrs.stored.is_some() || !entry.named || ino == Ino::ROOT {
            return Ok(entry);
        }
        let (key, etag) = match &entry.kind {
            Kind::Dir => (self.core.marker_of(ino)?, None),
            Kind::File(file) if file.etag.is_none() => return Ok(entry),
            Kind::File(file) => (self.core.key_of(ino)?, file.etag.clone()),
        };
        let asked = Instant::now();
        let described = match self.core.describe(&key).await {
            // Listing may be allowed where reading is not.
            Err(error) if matches!(error.kind, StoreErrorKind::AccessDenied(_)) => {
                self.core
                    .tree
                    .apply_stored_attrs(ino, etag.as_ref(), StoredAttrs::default());
                return self.core.tree.entry(ino).ok_or(FsError::Stale);
            }
            described => described?,
        };
        self.described(ino, described.as_ref());
        let now = self.core.tree.entry(ino).ok_or(FsError::Stale)?;
        let Some(etag) = etag.filter(|_| now.attrs.stored.is_none() && now.named) else {
            return Ok(now);
        };
        let Kind::File(file) = &now.kind else {
            return Ok(now);
        };
        if file.etag.as_ref() != Some(&etag) || self.core.open_files.get(ino).is_some() {
            // This mount has made another version meanwhile.
            return Ok(now);
        }
        if let Some((dir, name)) = self.core.tree.place(ino) {
            let meta = described.as_ref().map(|described| described.meta.clone());
            let seen = meta.map_or(ListingEntry::Absent, ListingEntry::File);
            if let Some(other) = self.core.tree.apply(dir, &name, seen, asked) {
                self.described(other.ino, described.as_ref());
            }
        }
        Err(FsError::Stale)
    }

    /// Requests the stored metadata of an entry as [`look`](Self::look) does. While a program
    /// inspects the files of a folder in order, the metadata of the next ones is requested too.
    pub(in crate::fs) async fn look_ahead(
        self: &Arc<Self>,
        dir: Ino,
        name: &EntryName,
        entry: &Entry,
    ) -> Result<(), FsError> {
        if matches!(entry.kind, Kind::File(_)) {
            let near = |last: &EntryName| self.core.tree.are_near(dir, last, name, STEP);
            let count = self.folders.reached(Scan::Inspections, dir, name, near);
            for ino in self.core.tree.without_stored_attrs_behind(dir, name, count) {
                drop(self.begin_to_look(ino));
            }
        }
        if let Some(looking) = self.metadata_requests.get(entry.ino) {
            // A failed request is repeated below.
            let _ = looking.await;
        }
        self.look(entry.ino).await.map(drop)
    }

    fn begin_to_look(self: &Arc<Self>, ino: Ino) -> SharedLook {
        if let Some(looking) = self.metadata_requests.get(ino) {
            return looking;
        }
        let prefetch = Arc::clone(self);
        let looking = async move {
            let looked = prefetch.look(ino).await;
            prefetch.metadata_requests.ended(ino);
            looked.map(drop)
        };
        self.metadata_requests.begin(ino, looking)
    }

    /// Requests the stored metadata of an entry as [`look`](Self::look) does, with one request for
    /// concurrent callers.
    pub(in crate::fs) async fn look_together(self: &Arc<Self>, ino: Ino) -> Result<Entry, FsError> {
        self.begin_to_look(ino).await?;
        self.core.tree.entry(ino).ok_or(FsError::NotFound)
    }

    /// Returns the entry. Requests its metadata with [`look_together`](Self::look_together) if it
    /// may have more than is cached.
    pub(in crate::fs) async fn look_if_rich(self: &Arc<Self>, ino: Ino) -> Result<Entry, FsError> {
        let entry = self.core.tree.entry(ino).ok_or(FsError::NotFound)?;
        match self.core.tree.parent(ino) {
            Some(dir) if self.may_be_rich(dir, &entry) => self.look_together(ino).await,
            _ => Ok(entry),
        }
    }

    /// Caches the stored metadata of an entry. `None` means that the store has no such object.
    pub(in crate::fs) fn described(&self, ino: Ino, described: Option<&Described>) {
        let Some(entry) = self.core.tree.entry(ino) else {
            return;
        };
        let etag = match (&entry.kind, described) {
            // A folder may have no marker, or any version of it.
            (Kind::Dir, _) => None,
            (Kind::File(_), Some(described)) => Some(&described.meta.etag),
            (Kind::File(_), None) => return,
        };
        let is_dir = matches!(entry.kind, Kind::Dir);
        let kept = described.map_or_else(StoredAttrs::default, |it| StoredAttrs {
            is_filled_marker: is_dir && it.meta.size > 0,
            ..StoredAttrs::from(&it.headers)
        });
        if let Some(dir) = self.core.tree.parent(ino) {
            self.folders.note_metadata(dir, !kept.attributes.is_empty());
        }
        self.core.tree.apply_stored_attrs(ino, etag, kept);
    }

    /// Records whether an object of the folder has stored metadata: it was requested or made here.
    pub(in crate::fs) fn note_metadata(&self, dir: Ino, is_rich: bool) {
        self.folders.note_metadata(dir, is_rich);
    }

    /// Returns the verdict about the stored metadata of the folder's objects.
    pub(in crate::fs) fn verdict(&self, dir: Ino) -> Verdict {
        self.folders.verdict(dir)
    }

    /// Returns whether an entry may have stored metadata that is not cached.
    pub(in crate::fs) fn may_be_rich(&self, dir: Ino, entry: &Entry) -> bool {
        if entry.attrs.stored.is_some() || !entry.named {
            return false;
        }
        self.folders.verdict(dir) != Verdict::Plain
    }

    /// Requests the metadata of a few of the first entries of a folder, unless there is a verdict
    /// about it. Their metadata decides whether to request that of the others.
    pub(in crate::fs) async fn sample<'a>(
        &self,
        dir: Ino,
        listed: impl Iterator<Item = &'a Listed>,
    ) {
        if self.folders.verdict(dir) != Verdict::Unknown {
            return;
        }
        let Some(prefix) = self.core.tree.prefix_of(dir) else {
            return;
        };
        let (mut keys, mut markers) = (Vec::new(), Vec::new());
        for listed in listed {
            match listed {
                Listed::File(name, _) => keys.push(Key::new(format!("{prefix}{name}"))),
                Listed::Dir(name) => markers.push(Key::new(format!("{prefix}{name}/"))),
            }
            if keys.len() >= SAMPLE as usize {
                break;
            }
        }
        keys.extend(markers);
        keys.truncate(SAMPLE as usize);
        let asking = keys.iter().map(|key| self.core.describe(key));
        // A failed request is repeated when its result is needed.
        for described in join_all(asking).await.into_iter().flatten() {
            let kept = described.map(|described| StoredAttrs::from(&described.headers));
            let is_rich = kept.is_some_and(|kept| !kept.attributes.is_empty());
            self.folders.note_metadata(dir, is_rich);
        }
    }
}
