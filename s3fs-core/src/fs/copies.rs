//! Copies of a failed rename: they are deleted, and no other object is.
//!
//! Another client may have made an object under the new key meanwhile. So an object is deleted only
//! if it can only be the copy: it has the version of the answer and the metadata of its source, which
//! still holds the same bytes. A copy without an answer is left, since the server may also make it later.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::{self, StreamExt};

use crate::fs::Fs;
use crate::fs::writeback::ChangeKind;
use crate::object::{ETag, Headers, Key, ObjectRef};
use crate::store::{Described, StoreError};

/// Maximum number of copies made or deleted at once.
pub(super) const AT_ONCE: usize = 64;

/// Silence of the store among many deletions, noted after the first request without an answer.
///
/// Each request without an answer takes the whole retry timeout. Those of a large folder would
/// block the mount for hours, so the rest is not sent.
#[derive(Debug, Default)]
pub(super) struct Silence(AtomicBool);

/// Copy of an object under another key, and the answer to its request.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    pub(super) source: ObjectRef,
    pub(super) to: Key,
    pub(super) answer: Answer,
}

/// Answer to the request for a copy.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// Version of the copy.
    Version(ETag),
    /// No answer: the copy may exist, with the headers that were sent or those of its source.
    Lost(Option<Headers>),
}

/// Origin of the object under the new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Copy,
    OtherClient,
    Unclear,
}

/// State of the new key after the attempt to delete its copy.
#[derive(Clone, Copy, Debug)]
enum Undone {
    /// The key has no object.
    Absent,
    /// The key has an object of another client.
    OtherClient,
    /// The key may have the copy.
    Unclear,
}

impl Silence {
    /// Reason why a request is not sent.
    pub(super) const REASON: &str = "the store did not answer an earlier request";

    /// Notes a failed request. A refusal is an answer.
    pub(super) fn note(&self, error: &StoreError) {
        if error.is_unknown() || error.kind.is_transient() {
            self.0.store(true, Ordering::Release);
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Copied {
    /// Compares the object under the new key with the object under the old key.
    fn origin(&self, found: &Described, source: Option<&Described>) -> Origin {
        let version = match &self.answer {
            Answer::Version(etag) if !etag.is_empty() => Some(etag),
            Answer::Version(_) | Answer::Lost(_) => None,
        };
        if version.is_some_and(|etag| found.meta.etag != *etag) {
            return Origin::OtherClient;
        }
        let Some(source) = source.filter(|source| source.meta.etag == self.source.etag) else {
            // Another client may have made the same copy and deleted the source: no other copy is
            // left.
            return Origin::Unclear;
        };
        match version {
            Some(_) if found.headers.metadata == source.headers.metadata => Origin::Copy,
            // Equal bytes have the same version, and empty objects always do. So another client may
            // have stored the object, or changed the metadata of the source.
            Some(_) => Origin::Unclear,
            None if self.may_be_copy(found, source) => Origin::Unclear,
            None => Origin::OtherClient,
        }
    }

    /// Returns whether a copy without an answer may have made the object. An equal object proves
    /// nothing: another client may have stored the same bytes with the same time. A server may give
    /// a copy another ETag.
    fn may_be_copy(&self, found: &Described, source: &Described) -> bool {
        let sent = match &self.answer {
            Answer::Lost(Some(sent)) => sent,
            Answer::Lost(None) | Answer::Version(_) => &source.headers,
        };
        let has_tag = !found.meta.etag.is_empty() && found.meta.etag == source.meta.etag;
        found.meta.size == source.meta.size && (has_tag || found.headers.metadata == sent.metadata)
    }

    fn has_answer(&self) -> bool {
        matches!(self.answer, Answer::Version(_))
    }
}

impl Fs {
    /// Deletes the copies of a failed rename, many at once. If a copy may remain, its key is
    /// recorded as a failure. So is every copy that follows a request without an answer.
    pub(super) async fn undo_copies(&self, copies: Vec<Copied>) {
        let silence = Silence::default();
        let silence = &silence;
        let undoing = copies.into_iter().map(|copy| async move {
            if silence.has_begun() {
                return self.leave_copy(&copy, Silence::REASON);
            }
            if let Err(error) = self.try_undo(&copy).await {
                silence.note(&error);
                self.leave_copy(&copy, &error.to_string());
            }
        });
        let undoing = stream::iter(undoing).buffer_unordered(AT_ONCE);
        undoing.collect::<()>().await;
    }

    /// Deletes a copy of a failed rename. If the copy may remain, its key is recorded as a
    /// failure.
    pub(super) async fn undo_copy(&self, copy: &Copied) {
        if let Err(error) = self.try_undo(copy).await {
            self.leave_copy(copy, &error.to_string());
        }
    }

    async fn try_undo(&self, copy: &Copied) -> Result<(), StoreError> {
        match self.delete_copy(copy).await? {
            Undone::Absent if !copy.has_answer() => self.leave_copy(
                copy,
                "the server may make it later, since the request had no answer",
            ),
            Undone::Absent | Undone::OtherClient => self.writeback.queue.sure(&copy.to),
            Undone::Unclear => {
                self.leave_copy(copy, "it can't be told from another client's object");
            }
        }
        Ok(())
    }

    /// Records a copy that may remain.
    fn leave_copy(&self, copy: &Copied, why: &str) {
        self.writeback.queue.unsure(&copy.to);
        let source = &copy.source.key;
        let reason = format!("may stay as a copy of {source}, whose renaming failed: {why}");
        self.writeback.failed(&copy.to, reason);
    }

    /// Deletes the object under the new key if it can only be the copy.
    async fn delete_copy(&self, copy: &Copied) -> Result<Undone, StoreError> {
        let Some(found) = self.core.describe(&copy.to).await? else {
            return Ok(Undone::Absent);
        };
        // Requested last: a client that moves the object makes its copy before it deletes the
        // source.
        let source = self.core.describe(&copy.source.key).await?;
        match copy.origin(&found, source.as_ref()) {
            Origin::Copy => {}
            Origin::OtherClient => return Ok(Undone::OtherClient),
            Origin::Unclear => return Ok(Undone::Unclear),
        }
        let deleted = self.core.store.delete(&copy.to).await;
        self.writeback
            .note_change(ChangeKind::Delete, deleted.is_ok());
        deleted.map(|()| Undone::Absent)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::object::ObjectMeta;

    fn object(etag: &str, size: u64, metadata: &[(&str, &str)]) -> Described {
        let metadata = metadata.iter();
        let meta = ObjectMeta {
            size,
            modified: SystemTime::UNIX_EPOCH,
            etag: ETag::new(etag),
        };
        let headers = Headers {
            content_type: None,
            metadata: metadata
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            properties: None,
        };
        Described { meta, headers }
    }

    fn copied(answer: Answer) -> Copied {
        let source = ObjectRef {
            key: Key::new("f"),
            etag: ETag::new("v"),
            size: 7,
        };
        let to = Key::new("g");
        Copied { source, to, answer }
    }

    #[test]
    fn an_object_is_never_proven_to_be_a_copy_without_an_answer() {
        let lost = copied(Answer::Lost(None));
        let origin = |found: &Described, source: Option<&Described>| lost.origin(found, source);
        for metadata in [&[("mtime", "1.5")][..], &[("team", "a")], &[]] {
            let source = object("v", 7, metadata);
            let same_tag = object("v", 7, &[("other", "x")]);
            let another_tag = object("w", 7, metadata);
            for found in [&source, &same_tag, &another_tag] {
                assert_eq!(origin(found, Some(&source)), Origin::Unclear);
                assert_eq!(origin(found, None), Origin::Unclear, "the last copy");
                // Another client has replaced the source: the copy is of one of two versions.
                let newer = object("w", 9, metadata);
                assert_eq!(origin(found, Some(&newer)), Origin::Unclear);
            }
            let longer = object("v", 8, metadata);
            assert_eq!(origin(&longer, Some(&source)), Origin::OtherClient);
            let different = object("w", 7, &[("other", "x")]);
            assert_eq!(origin(&different, Some(&source)), Origin::OtherClient);
        }
    }

    #[test]
    fn a_copy_with_other_headers_is_told_by_those() {
        let source = object("v", 7, &[("mtime", "1")]);
        let sent = object("w", 7, &[("mtime", "2")]);
        let lost = copied(Answer::Lost(Some(sent.headers.clone())));
        assert_eq!(lost.origin(&sent, Some(&source)), Origin::Unclear);
        let another = object("w", 7, &[("mtime", "1")]);
        assert_eq!(lost.origin(&another, Some(&source)), Origin::OtherClient);
    }

    #[test]
    fn a_copy_with_an_answer_is_told_by_its_version_and_metadata() {
        let copy = copied(Answer::Version(ETag::new("c")));
        let source = object("v", 7, &[]);
        let made = object("c", 7, &[]);
        assert_eq!(copy.origin(&made, Some(&source)), Origin::Copy);
        let other = object("x", 7, &[]);
        assert_eq!(copy.origin(&other, Some(&source)), Origin::OtherClient);
        let newer = object("w", 7, &[]);
        assert_eq!(copy.origin(&made, Some(&newer)), Origin::Unclear);
        assert_eq!(copy.origin(&made, None), Origin::Unclear);
        let same_bytes = object("c", 7, &[("mtime", "2")]);
        assert_eq!(copy.origin(&same_bytes, Some(&source)), Origin::Unclear);
        // A server that names no version.
        let copy = copied(Answer::Version(ETag::new("")));
        assert_eq!(copy.origin(&made, Some(&source)), Origin::Unclear);
    }
}
