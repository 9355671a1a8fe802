//! Tags of objects: whether they must be read before an object is written again.
//!
//! A PUT or an upload replaces the tags of an object by those that it sends. HEAD shows the number
//! of tags, but hides it from callers who may not read them, and some servers never show it.

use std::sync::atomic::{AtomicU8, Ordering};

use super::S3Store;
use crate::object::{Key, TagMap, Tags};
use crate::store::{StoreError, StoreErrorKind, Vendor};

/// Use of requests for tags, as far as responses have shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Visibility {
    /// No response has shown anything: each object is asked for.
    Unknown,
    /// HEAD shows tags.
    Shown,
    /// HEAD does not show tags: each object is asked for.
    Hidden,
    /// Reading tags is denied, or the server has none: no object is asked for.
    Unreadable,
}

impl Visibility {
    const ALL: [Self; 4] = [Self::Unknown, Self::Shown, Self::Hidden, Self::Unreadable];

    /// Returns whether the tags of an object must be requested, of which HEAD has shown this.
    fn asks_for(self, seen: &Tags) -> bool {
        match seen {
            Tags::Counted(_) => true,
            Tags::Read(_) => false,
            Tags::Unshown => matches!(self, Self::Unknown | Self::Hidden),
        }
    }

    /// Returns the state after the tags of an object were read, of which HEAD had shown none.
    fn after_unshown(self, tags: &TagMap, vendor: Vendor) -> Self {
        match (tags.is_empty(), vendor) {
            (false, _) => Self::Hidden,
            // Amazon shows tags to those who may read them.
            (true, Vendor::Amazon) => Self::Shown,
            (true, Vendor::Other) => self,
        }
    }

    /// Returns the state after the tags of an object can't be read, of which HEAD had shown none.
    /// `None` means that the object may have tags, so that it must not be written again.
    fn after_error(self, kind: &StoreErrorKind) -> Option<Self> {
        match (self, kind) {
            // Tags were seen where HEAD shows none.
            (Self::Hidden, _) => None,
            // Ceph 16 answers so about an object without tags.
            (_, StoreErrorKind::NotS3(_)) => Some(self),
            (
                _,
                StoreErrorKind::AccessDenied(_)
                | StoreErrorKind::Unsupported(_)
                | StoreErrorKind::Other(_),
            ) => Some(Self::Unreadable),
            _ => None,
        }
    }
}

/// State of [`Visibility`].
#[derive(Debug, Default)]
pub(super) struct TagVisibility(AtomicU8);

impl TagVisibility {
    fn get(&self) -> Visibility {
        let state = usize::from(self.0.load(Ordering::Relaxed));
        Visibility::ALL
            .get(state)
            .copied()
            .unwrap_or(Visibility::Unknown)
    }

    /// Sets the state of a bucket without tags.
    pub(super) fn set_absent(&self) {
        self.set(Visibility::Unreadable);
    }

    /// Sets the state. Returns whether it is a new one.
    fn set(&self, state: Visibility) -> bool {
        self.0.swap(state as u8, Ordering::Relaxed) != state as u8
    }
}

impl S3Store {
    /// Returns whether HEAD is known not to show tags.
    pub(super) fn hides_tags(&self) -> bool {
        self.tags.visibility.get() == Visibility::Hidden
    }

    /// Returns the tags of an object, of which HEAD has shown `seen`.
    ///
    /// # Errors
    /// Returns an error if the object has tags and they can't be read: they would be lost.
    pub(super) async fn read_tags(&self, key: &Key, seen: &Tags) -> Result<Tags, StoreError> {
        if matches!(seen, Tags::Counted(_)) {
            self.tags.visibility.set(Visibility::Shown);
        }
        if !self.tags.visibility.get().asks_for(seen) {
            return Ok(seen.clone());
        }
        let vendor = self.capabilities.vendor();
        match (self.send_get_tags(key).await, seen) {
            (Ok(tags), Tags::Unshown) => {
                let state = self.tags.visibility.get().after_unshown(&tags, vendor);
                self.tags.visibility.set(state);
                Ok(Tags::Read(tags))
            }
            (Ok(tags), _) => Ok(Tags::Read(tags)),
            (Err(error), Tags::Unshown) => {
                let state = self.tags.visibility.get();
                let Some(state) = state.after_error(&error.kind) else {
                    return Err(naming(error, "s3:GetObjectTagging"));
                };
                if self.tags.visibility.set(state) {
                    tracing::warn!(
                        %error,
                        "tags of objects can't be read: an object that is written again loses any \
                         that it has. To keep them, allow `s3:GetObjectTagging` and \
                         `s3:PutObjectTagging`"
                    );
                }
                Ok(Tags::Unshown)
            }
            (Err(error), _) => Err(naming(error, "s3:GetObjectTagging")),
        }
    }

    pub(super) async fn send_get_tags(&self, key: &Key) -> Result<TagMap, StoreError> {
        let request = self
            .client
            .get_object_tagging()
            .bucket(self.bucket.as_str())
            .key(key.as_str());
        let answer = request.set_request_payer(self.payer.clone()).send().await;
        let answer = answer.map_err(self.error("GetObjectTagging", key))?;
        let tags = answer.tag_set.into_iter();
        Ok(tags.map(|tag| (tag.key, tag.value)).collect())
    }
}

/// Adds the permission that a request needs because the object has tags, if it was denied.
pub(super) fn naming(error: StoreError, permission: &str) -> StoreError {
    match error.kind {
        StoreErrorKind::AccessDenied(words) => StoreError {
            kind: StoreErrorKind::AccessDenied(format!(
                "{words}; to keep the tags of the object, allow `{permission}`"
            )),
            ..error
        },
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn tags_are_requested_as_long_as_an_answer_may_have_some() {
        let (counted, unshown) = (Tags::Counted(1), Tags::Unshown);
        for state in Visibility::ALL {
            assert!(state.asks_for(&counted));
            assert!(!state.asks_for(&Tags::Read(BTreeMap::new())));
        }
        assert!(Visibility::Unknown.asks_for(&unshown));
        assert!(Visibility::Hidden.asks_for(&unshown));
        assert!(!Visibility::Shown.asks_for(&unshown));
        assert!(!Visibility::Unreadable.asks_for(&unshown));
    }

    #[test]
    fn only_a_refusal_ends_the_requests_for_tags_and_none_does_once_tags_were_hidden() {
        let denied = StoreErrorKind::AccessDenied(String::new());
        let odd = StoreErrorKind::NotS3(String::new());
        let unknown = Visibility::Unknown;
        assert_eq!(unknown.after_error(&denied), Some(Visibility::Unreadable));
        assert_eq!(unknown.after_error(&odd), Some(unknown));
        assert_eq!(unknown.after_error(&StoreErrorKind::TimedOut), None);
        for kind in [denied, odd] {
            assert_eq!(Visibility::Hidden.after_error(&kind), None);
        }
    }

    #[test]
    fn tags_that_head_did_not_show_are_asked_for_from_then_on() {
        let tags = [("a".to_owned(), "b".to_owned())].into();
        let none = BTreeMap::new();
        let unknown = Visibility::Unknown;
        for vendor in [Vendor::Amazon, Vendor::Other] {
            assert_eq!(unknown.after_unshown(&tags, vendor), Visibility::Hidden);
        }
        assert_eq!(
            unknown.after_unshown(&none, Vendor::Amazon),
            Visibility::Shown
        );
        assert_eq!(unknown.after_unshown(&none, Vendor::Other), unknown);
    }
}
