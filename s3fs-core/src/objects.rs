//! Access to objects under a prefix, without a file system.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::config::MountConfig;
use crate::object::{EntryName, Headers, Key, Prefix};
use crate::resources::Resources;
use crate::store::s3::{Bucket, ConnectError, connect};
use crate::store::{
    Body, Condition, ListFrom, ListRequest, Precondition, Store, StoreError, StoreErrorKind,
};

/// Maximum number of pages of 1,000 keys that [`Objects::unshown`] lists.
const UNSHOWN_PAGES: usize = 10;

/// Maximum number of keys that [`Unshown`] names.
const EXAMPLES: usize = 3;

/// Keys under a prefix that a mount can't show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unshown {
    /// Number of keys that were checked.
    pub listed: u64,
    /// True if these are all keys.
    pub is_whole: bool,
    /// Number of keys that can't be shown.
    pub keys: u64,
    /// First keys that can't be shown.
    pub examples: Vec<String>,
}

impl Unshown {
    fn add(&mut self, key: &str) {
        self.listed += 1;
        if !EntryName::are_all(key) {
            self.keys += 1;
            if self.examples.len() < EXAMPLES {
                self.examples.push(key.to_owned());
            }
        }
    }
}

/// Objects of a bucket under a prefix, addressed by the rest of their keys.
#[derive(Debug)]
pub struct Objects {
    store: Bucket,
    prefix: Prefix,
}

impl Objects {
    /// Connects to the bucket. Uses the configuration's location, prefix and credentials only.
    ///
    /// # Errors
    /// Fails if the bucket can't be reached or listed.
    pub async fn connect(
        config: &MountConfig,
        resources: &Resources,
    ) -> Result<Self, ConnectError> {
        let (store, _) = connect(config, &resources.http).await?;
        Ok(Self {
            store,
            prefix: config.prefix.clone(),
        })
    }

    /// Counts the keys that a mount can't show, among the first ones: no file can have their names.
    ///
    /// # Errors
    /// Fails if a listing fails.
    pub async fn unshown(&self) -> Result<Unshown, StoreError> {
        let mut unshown = Unshown::default();
        let mut next: Option<String> = None;
        for _ in 0..UNSHOWN_PAGES {
            let page = ListRequest {
                prefix: self.prefix.as_str(),
                folded: false,
                from: ListFrom::following(next.as_deref()),
                max_keys: 1000,
            };
            let page = self.store.list(page).await?;
            for object in page.objects {
                let below = object.key.strip_prefix(self.prefix.as_str());
                unshown.add(below.unwrap_or(&object.key));
            }
            next = page.next;
            if next.is_none() {
                unshown.is_whole = true;
                break;
            }
        }
        Ok(unshown)
    }

    fn key(&self, name: &str) -> Key {
        Key::new(format!("{}{name}", self.prefix))
    }

    /// Stores an object, in one request.
    ///
    /// # Errors
    /// Fails if the request fails, after retries where they may help.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.store_body(name, Body::memory(bytes)).await
    }

    /// Stores a file that nobody changes meanwhile, of at most 5 GiB.
    ///
    /// # Errors
    /// Fails if the file can't be read, or if the request fails.
    pub async fn put_file(&self, name: &str, path: &Path) -> io::Result<()> {
        let file = Arc::new(File::open(path)?);
        let length = file.metadata()?.len();
        let body = Body::file(file, 0, length);
        let stored = self.store_body(name, body).await;
        stored.map_err(io::Error::other)
    }

    async fn store_body(&self, name: &str, body: Body) -> Result<(), StoreError> {
        let (key, headers) = (self.key(name), Headers::default());
        let stored = self.store.put(&key, body, &headers, &Precondition::None);
        stored.await.map(drop)
    }

    /// Returns all bytes of an object; `None` if it does not exist.
    ///
    /// # Errors
    /// Fails if the request fails.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        match self.get_all(&self.key(name)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind, StoreErrorKind::NoSuchKey) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn get_all(&self, key: &Key) -> Result<Bytes, StoreError> {
        let mut response = self.store.get(key, None, Condition::Any).await?;
        let mut bytes = BytesMut::new();
        while let Some(piece) = response.body.next().await? {
            bytes.extend_from_slice(&piece);
        }
        if bytes.len() as u64 == response.meta.size {
            return Ok(bytes.freeze());
        }
        let words = format!("{} of {} bytes", bytes.len(), response.meta.size);
        Err(StoreError::new(
            "GetObject",
            self.store.uri(key),
            StoreErrorKind::Truncated(words),
        ))
    }

    /// Returns whether an object exists.
    ///
    /// # Errors
    /// Fails if the request fails.
    pub async fn has(&self, name: &str) -> Result<bool, StoreError> {
        match self.store.head(&self.key(name)).await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind, StoreErrorKind::NoSuchKey) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the names that start with `begin`, in order.
    ///
    /// # Errors
    /// Fails if a request fails.
    pub async fn list(&self, begin: &str) -> Result<Vec<String>, StoreError> {
        let prefix = format!("{}{begin}", self.prefix);
        let (mut names, mut next) = (Vec::new(), None::<String>);
        loop {
            let from = ListFrom::following(next.as_deref());
            let request = ListRequest {
                prefix: &prefix,
                folded: false,
                from,
                max_keys: 1000,
            };
            let page = self.store.list(request).await?;
            let keys = page.objects.into_iter().map(|object| object.key);
            names.extend(
                keys.filter_map(|key| key.strip_prefix(self.prefix.as_str()).map(str::to_owned)),
            );
            match page.next {
                Some(token) => next = Some(token),
                None => break,
            }
        }
        // A directory bucket lists them in none.
        names.sort();
        Ok(names)
    }

    /// Deletes an object; deleting what doesn't exist succeeds.
    ///
    /// # Errors
    /// Fails if the request fails.
    pub async fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.store.delete(&self.key(name)).await
    }

    /// Returns a URL with which anybody may read the object for the time `valid`, at most seven
    /// days. It ends earlier if the credentials expire.
    ///
    /// # Errors
    /// Fails if there are no credentials to sign it with.
    pub async fn presigned(&self, name: &str, valid: Duration) -> Result<String, StoreError> {
        self.store
            .single()
            .presigned_get(&self.key(name), valid)
            .await
    }
}
