//! Tags after a request that should have kept them.
//!
//! Servers of other vendors take tags and store none: Ceph 16 with an upload in parts, and with a
//! copy that replaces metadata. So the first request of each kind is checked. If tags are missing,
//! they are stored by a request of their own, from then on after each request of that kind.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{Tag, Tagging};

use super::S3Store;
use super::tagging::naming;
use crate::object::{Key, TagMap};
use crate::store::{StoreError, StoreErrorKind, Vendor};

/// Pauses between attempts to store tags.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(5),
];

/// Kind of a request that writes an object with tags.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tagged {
    /// PUT with tags.
    Put,
    /// Copy that replaces metadata and keeps tags.
    Copy,
    /// Copy that replaces metadata and tags.
    NewCopy,
    /// Upload in parts that was created with tags.
    Upload,
}

/// Result of a kind of requests, as far as it was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Effect {
    Unknown,
    Kept,
    Lost,
}

/// Effect of each kind of requests.
#[derive(Debug, Default)]
pub(super) struct TagEffects([AtomicU8; 4]);

impl TagEffects {
    fn get(&self, kind: Tagged) -> Effect {
        match self.0[kind as usize].load(Ordering::Relaxed) {
            1 => Effect::Kept,
            2 => Effect::Lost,
            _ => Effect::Unknown,
        }
    }

    fn set(&self, kind: Tagged, effect: Effect) {
        self.0[kind as usize].store(effect as u8, Ordering::Relaxed);
    }
}

impl S3Store {
    /// Stores the tags of an object, if the request that has just written it lost them. The object is
    /// stored, so a failure is not that of the request: it is tried for a while, then logged.
    pub(super) async fn keep_tags(&self, kind: Tagged, key: &Key, tags: Option<&TagMap>) {
        let Some(tags) = tags.filter(|tags| !tags.is_empty()) else {
            return;
        };
        if self.capabilities.vendor() == Vendor::Amazon
            || self.tags.effects.get(kind) == Effect::Kept
        {
            return;
        }
        let mut pauses = PAUSES.into_iter();
        loop {
            let error = match self.try_to_keep_tags(kind, key, tags).await {
                Ok(()) => return,
                Err(error) => naming(error, "s3:PutObjectTagging"),
            };
            let Some(pause) = pauses.next().filter(|_| error.kind.is_transient()) else {
                tracing::error!(%error, "an object was stored without its tags: {tags:?}");
                return;
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn try_to_keep_tags(
        &self,
        kind: Tagged,
        key: &Key,
        tags: &TagMap,
    ) -> Result<(), StoreError> {
        if self.tags.effects.get(kind) != Effect::Lost {
            if self.has_tags(key, tags).await? {
                self.tags.effects.set(kind, Effect::Kept);
                return Ok(());
            }
            self.tags.effects.set(kind, Effect::Lost);
        }
        self.send_put_tags(key, tags).await
    }

    /// Returns whether an object that was just written has these tags. Of one that lost its tags, Ceph 16
    /// returns a document without a set of tags, which the SDK can't read.
    async fn has_tags(&self, key: &Key, tags: &TagMap) -> Result<bool, StoreError> {
        match self.send_get_tags(key).await {
            Ok(stored) => Ok(stored == *tags),
            Err(error) if matches!(error.kind, StoreErrorKind::NotS3(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn send_put_tags(&self, key: &Key, tags: &TagMap) -> Result<(), StoreError> {
        let failed =
            |words: String| self.failed("PutObjectTagging", key, StoreErrorKind::Other(words));
        let tagging = tagging(tags).map_err(|error| failed(error.to_string()))?;
        let request = self
            .client
            .put_object_tagging()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .tagging(tagging)
            .set_request_payer(self.payer.clone());
        let answer = request.send().await;
        answer
            .map(drop)
            .map_err(self.error("PutObjectTagging", key))
    }
}

fn tagging(tags: &TagMap) -> Result<Tagging, BuildError> {
    let tags = tags.iter();
    let tags = tags.map(|(name, value)| Tag::builder().key(name).value(value).build());
    let tags = tags.collect::<Result<_, _>>()?;
    Tagging::builder().set_tag_set(Some(tags)).build()
}
