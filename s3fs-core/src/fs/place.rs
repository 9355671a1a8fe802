//! Destination of a file: key, metadata and precondition.

use std::sync::Arc;

use crate::fs::generation::Generation;
use crate::fs::owner::Owner;
use crate::object::{Attributes, FileKind, Headers, Key, content_type};
use crate::ordered::{Guard, LAST, Ordered};
use crate::store::Precondition;
use crate::tree::{Entry, Ino, Kind, Tree};
use crate::write::{Destination, FindDestination, Stored};

/// Destination of a file, by the name that it has when it is stored.
#[derive(Debug)]
pub(super) struct FilePlace {
    ino: Ino,
    tree: Arc<Tree>,
    owner: Owner,
    precondition: Ordered<Precondition, LAST>,
    generation: Generation,
}

impl FilePlace {
    pub(super) fn new(
        ino: Ino,
        tree: &Arc<Tree>,
        owner: Owner,
        precondition: Precondition,
        generation: Generation,
    ) -> Self {
        Self {
            ino,
            tree: Arc::clone(tree),
            owner,
            precondition: Ordered::new(precondition),
            generation,
        }
    }

    /// Drops the precondition: the object may be replaced by this mount, or the file has moved to a
    /// name where an object may exist.
    pub(super) fn allow_overwriting(&self) {
        *self.lock() = Precondition::None;
    }

    /// Returns whether the file must not replace an object.
    pub(super) fn must_be_new(&self) -> bool {
        *self.lock() == Precondition::Absent
    }

    fn lock(&self) -> Guard<'_, Precondition> {
        self.precondition.lock()
    }
}

impl FindDestination for FilePlace {
    fn destination(&self) -> Option<Destination> {
        let (dir, name) = self.tree.place(self.ino)?;
        let key = self.tree.key_in(dir, &name)?;
        let headers = headers(&self.tree.entry(self.ino)?, &key, &self.owner);
        let precondition = self.lock().clone();
        Some(Destination {
            key,
            headers,
            precondition,
        })
    }

    fn changed(&self) {
        self.generation.advance();
    }

    fn stored(&self, stored: &Stored) {
        self.allow_overwriting();
        self.tree.update_file(self.ino, |file| {
            file.etag = Some(stored.etag.clone());
            file.stored = None;
        });
    }
}

/// Returns the headers to store with an entry.
pub(super) fn headers(entry: &Entry, key: &Key, owner: &Owner) -> Headers {
    let kept = entry.attrs.stored.clone().unwrap_or_default();
    let (kind, mode, modified) = match &entry.kind {
        Kind::Dir => (FileKind::Dir, owner.dir_mode, entry.attrs.modified),
        Kind::File(file) => (FileKind::File, owner.file_mode, Some(file.modified)),
    };
    let mut attributes = Attributes {
        kind: kept.attributes.kind.or(Some(kind)),
        mode: kept.attributes.mode.or(Some(mode)),
        modified,
        ..kept.attributes
    };
    if let Some(accessed) = entry.attrs.accessed {
        attributes.set_accessed(accessed);
    }
    let by_name = || content_type(key).to_owned();
    Headers {
        content_type: Some(kept.content_type.unwrap_or_else(by_name)),
        metadata: attributes.to_metadata(),
        properties: kept.properties,
    }
}

/// Returns whether two sets of headers differ in a value that a program has set. A modification
/// time that follows from the last write does not count, nor does an access time.
pub(super) fn differ(stored: &Headers, wanted: &Headers, modified_is_set: bool) -> bool {
    let relevant = |headers: &Headers| {
        let mut attributes = Attributes::from_metadata(&headers.metadata);
        attributes.forget_accessed();
        if !modified_is_set {
            attributes.modified = None;
        }
        (headers.content_type.clone(), attributes)
    };
    relevant(stored) != relevant(wanted)
}
