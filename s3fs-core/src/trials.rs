//! Tests of a store's capabilities, on objects that are created for it and deleted again.

use bytes::Bytes;

use crate::config::MountConfig;
use crate::list::list_page;
use crate::object::{ByteRange, ETag, Headers, Key};
use crate::resources::Resources;
use crate::store::s3::{ConnectError, connect};
use crate::store::{
    Body, Capability, CopiedHeaders, CopySource, ListFrom, ListRequest, PartNumber, Precondition,
    Store, StoreError, StoreErrorKind,
};

/// Result of testing a capability.
#[derive(Debug)]
pub struct Trial {
    /// Capability that was tested.
    pub capability: Capability,
    /// Outcome of the test.
    pub outcome: TrialOutcome,
}

/// Outcome of testing a capability.
#[derive(Debug)]
pub enum TrialOutcome {
    /// Supported by the store.
    Supported,
    /// Missing in the store; a mount works without it.
    Missing,
    /// Failure of the store.
    Failed(StoreError),
}

/// Tests the capabilities that mounts use. Needs the permissions of a mount that writes and
/// deletes. Leaves nothing but old versions, if the bucket stores them.
///
/// # Errors
/// Fails if the bucket can't be reached or listed.
pub async fn trials(
    config: &MountConfig,
    resources: &Resources,
) -> Result<Vec<Trial>, ConnectError> {
    let (store, _) = connect(config, &resources.http).await?;
    let random: String = std::iter::repeat_with(fastrand::alphanumeric)
        .take(16)
        .collect();
    let root = format!("{}.stub-probe-{random}/", config.prefix);
    Ok(try_all(&store, root).await)
}

async fn try_all(store: &dyn Store, root: String) -> Vec<Trial> {
    let capabilities = store.capabilities();
    capabilities.assume_all();
    let bench = Bench { store, root };
    let mut trials = Vec::new();
    for capability in TRIED {
        let tried = bench.try_one(capability).await;
        let outcome = match tried {
            _ if !capabilities.has(capability) => TrialOutcome::Missing,
            Ok(()) => TrialOutcome::Supported,
            Err(error) => TrialOutcome::Failed(error),
        };
        trials.push(Trial {
            capability,
            outcome,
        });
    }
    bench.clean_up().await;
    trials
}

/// Capabilities to test, in this order: later tests use objects of earlier ones.
const TRIED: [Capability; 11] = [
    Capability::ConditionalPut,
    Capability::ConditionalComplete,
    Capability::ConditionalCopy,
    Capability::Markers,
    Capability::MarkerCopy,
    Capability::MarkerMetadata,
    Capability::EmptyFoldersVanish,
    Capability::Backslashes,
    Capability::OrderedListing,
    Capability::StartAfter,
    Capability::ManyParts,
];

/// Names below the root.
const NAMES: [&str; 9] = ["a", "b", "c", "d", "m/", "n/", "s\\1", "x-1", "x/1"];

/// Folders below the root, and the root itself, on a server that lists them without a key.
const FOLDERS: [&str; 4] = ["s/", "x/", "y/", ""];

/// Store under test, with the prefix of the objects that are created.
struct Bench<'a> {
    store: &'a dyn Store,
    root: String,
}

impl Bench<'_> {
    fn key(&self, name: &str) -> Key {
        Key::new(format!("{}{name}", self.root))
    }

    async fn try_one(&self, capability: Capability) -> Result<(), StoreError> {
        match capability {
            Capability::ConditionalPut => self.conditional_put().await,
            Capability::ConditionalComplete => self.conditional_complete().await,
            Capability::ConditionalCopy => self.conditional_copy().await,
            Capability::Markers => self.put("m/", "", &Precondition::None).await,
            Capability::MarkerCopy => self.marker_copy().await,
            Capability::MarkerMetadata => self.marker_metadata().await,
            Capability::EmptyFoldersVanish => self.empty_folder().await,
            Capability::Backslashes => self.backslash().await,
            Capability::OrderedListing => self.order().await,
            Capability::StartAfter => self.start_after().await,
            Capability::ManyParts => self.many_parts().await,
            Capability::Checksums
            | Capability::SomeOrder
            | Capability::AnyPrefix
            | Capability::Rename => Ok(()),
        }
    }

    async fn put(
        &self,
        name: &str,
        bytes: &'static str,
        precondition: &Precondition,
    ) -> Result<(), StoreError> {
        let body = Body::memory(Bytes::from_static(bytes.as_bytes()));
        let (key, headers) = (self.key(name), Headers::default());
        let put = self.store.put(&key, body, &headers, precondition);
        put.await.map(drop)
    }

    /// Records that a store lacks a capability if it accepted a request that it should have
    /// refused.
    fn refused<T>(
        &self,
        capability: Capability,
        answer: Result<T, StoreError>,
    ) -> Result<(), StoreError> {
        match answer {
            Ok(_) => {
                self.store.capabilities().lacks(capability);
                Ok(())
            }
            Err(error) if matches!(error.kind, StoreErrorKind::PreconditionFailed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn conditional_put(&self) -> Result<(), StoreError> {
        self.put("a", "bytes", &Precondition::Absent).await?;
        let again = self.put("a", "bytes", &Precondition::Absent).await;
        self.refused(Capability::ConditionalPut, again)
    }

    async fn conditional_complete(&self) -> Result<(), StoreError> {
        self.put("b", "bytes", &Precondition::None).await?;
        let key = self.key("b");
        let id = self.store.create_upload(&key, &Headers::default()).await?;
        let body = Body::memory(Bytes::from_static(b"part"));
        let sent = self.store.upload_part(&key, &id, PartNumber(1), body).await;
        let completed = match sent {
            Ok(tag) => {
                let (tags, absent) = ([tag], Precondition::Absent);
                self.store.complete_upload(&key, &id, &tags, &absent).await
            }
            Err(error) => Err(error),
        };
        if completed.is_err() {
            self.store.abort_upload(&key, &id).await?;
        }
        self.refused(Capability::ConditionalComplete, completed)
    }

    /// Tests a conditional copy of an object made from a copied part: its `ETag` is another kind of
    /// hash.
    async fn conditional_copy(&self) -> Result<(), StoreError> {
        let (a, c, d) = (self.key("a"), self.key("c"), self.key("d"));
        let etag = self.store.head(&a).await?.meta.etag;
        let id = self.store.create_upload(&c, &Headers::default()).await?;
        let copied = match ByteRange::new(0, "bytes".len() as u64) {
            Some(range) => {
                let source = CopySource {
                    key: &a,
                    etag: &etag,
                    range,
                };
                let copying = self.store.upload_part_copy(&c, &id, PartNumber(1), source);
                copying.await
            }
            None => return Ok(()),
        };
        let completed = match copied {
            Ok(tag) => {
                let (tags, none) = ([tag], Precondition::None);
                self.store.complete_upload(&c, &id, &tags, &none).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = completed {
            self.store.abort_upload(&c, &id).await?;
            return Err(error);
        }
        let etag = self.store.head(&c).await?.meta.etag;
        self.store
            .copy(&c, &etag, &d, CopiedHeaders::Known(None))
            .await?;
        let other = ETag::new("00000000000000000000000000000000");
        let again = self
            .store
            .copy(&c, &other, &d, CopiedHeaders::Known(None))
            .await;
        self.refused(Capability::ConditionalCopy, again)
    }

    async fn marker_copy(&self) -> Result<(), StoreError> {
        if !self.store.capabilities().has(Capability::Markers) {
            self.store.capabilities().lacks(Capability::MarkerCopy);
            return Ok(());
        }
        let (m, n) = (self.key("m/"), self.key("n/"));
        let etag = self.store.head(&m).await?.meta.etag;
        self.store
            .copy(&m, &etag, &n, CopiedHeaders::Known(None))
            .await
            .map(drop)
    }

    async fn marker_metadata(&self) -> Result<(), StoreError> {
        let capabilities = self.store.capabilities();
        if !capabilities.has(Capability::Markers) {
            capabilities.lacks(Capability::MarkerMetadata);
            return Ok(());
        }
        let (m, body) = (self.key("m/"), Body::memory(Bytes::new()));
        let headers = Headers {
            metadata: [("mode".to_owned(), "040700".to_owned())].into(),
            ..Headers::default()
        };
        self.store
            .put(&m, body, &headers, &Precondition::None)
            .await?;
        if self.store.head(&m).await?.headers.metadata != headers.metadata {
            capabilities.lacks(Capability::MarkerMetadata);
        }
        Ok(())
    }

    /// Tests whether a folder is listed after its only key was deleted.
    async fn empty_folder(&self) -> Result<(), StoreError> {
        self.put("y/1", "", &Precondition::None).await?;
        self.store.delete(&self.key("y/1")).await?;
        let request = ListRequest {
            prefix: &self.root,
            folded: true,
            from: ListFrom::Beginning,
            max_keys: 1000,
        };
        let page = self.store.list(request).await?;
        if page.prefixes.contains(&format!("{}y/", self.root)) {
            self.store
                .capabilities()
                .lacks(Capability::EmptyFoldersVanish);
        }
        Ok(())
    }

    /// Tests whether a key with a backslash is another than one with `/`.
    async fn backslash(&self) -> Result<(), StoreError> {
        let put = self.put("s\\1", "", &Precondition::None).await;
        let is_kept = match put {
            Err(error) if matches!(error.kind, StoreErrorKind::Other(_)) => false,
            Err(error) => return Err(error),
            Ok(()) => match self.store.head(&self.key("s/1")).await {
                Err(error) if matches!(error.kind, StoreErrorKind::NoSuchKey) => true,
                other => other.map(|_| false)?,
            },
        };
        if !is_kept {
            self.store.capabilities().lacks(Capability::Backslashes);
        }
        Ok(())
    }

    /// Tests the order of listings: `x/1` comes after `x-1`.
    async fn order(&self) -> Result<(), StoreError> {
        self.put("x/1", "", &Precondition::None).await?;
        self.put("x-1", "", &Precondition::None).await?;
        self.list(ListFrom::Beginning).await
    }

    async fn start_after(&self) -> Result<(), StoreError> {
        let after = self.key("x-1");
        match self.list(ListFrom::After(after.as_str())).await {
            Err(error) if matches!(error.kind, StoreErrorKind::Unsupported(_)) => {
                self.store.capabilities().lacks(Capability::StartAfter);
                Ok(())
            }
            listed => listed,
        }
    }

    async fn list(&self, from: ListFrom<'_>) -> Result<(), StoreError> {
        let request = ListRequest {
            prefix: &self.root,
            folded: false,
            from,
            max_keys: 1000,
        };
        list_page(self.store, request).await.map(drop)
    }

    async fn many_parts(&self) -> Result<(), StoreError> {
        let key = self.key("a");
        let id = self.store.create_upload(&key, &Headers::default()).await?;
        let body = Body::memory(Bytes::from_static(b"part"));
        let number = PartNumber(10_000);
        let sent = self.store.upload_part(&key, &id, number, body).await;
        self.store.abort_upload(&key, &id).await?;
        match sent {
            Err(error) if matches!(error.kind, StoreErrorKind::Other(_)) => {
                self.store.capabilities().lacks(Capability::ManyParts);
                Ok(())
            }
            sent => sent.map(drop),
        }
    }

    async fn clean_up(&self) {
        let capabilities = self.store.capabilities();
        let folders = if capabilities.has(Capability::EmptyFoldersVanish) {
            &[][..]
        } else {
            &FOLDERS[..]
        };
        for name in NAMES.iter().chain(folders) {
            if let Err(error) = self.store.delete(&self.key(name)).await {
                tracing::warn!(%error, "failed to delete a trial object");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    async fn missing(store: &MemoryStore) -> Vec<Capability> {
        let trials = try_all(store, "p/".into()).await;
        let is_failed = |trial: &&Trial| matches!(trial.outcome, TrialOutcome::Failed(_));
        assert_eq!(trials.iter().filter(is_failed).count(), 0, "{trials:?}");
        let missing = trials.into_iter();
        missing
            .filter(|trial| matches!(trial.outcome, TrialOutcome::Missing))
            .map(|trial| trial.capability)
            .collect()
    }

    #[tokio::test]
    async fn what_a_store_lacks_is_found_and_nothing_is_left() {
        let store = MemoryStore::default();
        assert_eq!(missing(&store).await, []);
        assert!(store.objects().is_empty() && store.open_uploads() == 0);
        let store = store.walking();
        let missing = missing(&store).await;
        assert!(missing.contains(&Capability::OrderedListing), "{missing:?}");
        assert!(store.objects().is_empty() && store.open_uploads() == 0);
    }

    #[tokio::test]
    async fn a_store_that_keeps_keys_as_files_loses_metadata_of_folders() {
        let store = MemoryStore::default().on_files();
        let expected = [
            Capability::MarkerMetadata,
            Capability::EmptyFoldersVanish,
            Capability::Backslashes,
        ];
        assert_eq!(missing(&store).await, expected);
        assert!(store.objects().is_empty() && store.folders().is_empty());
    }
}
