//! Spool under a prefix of a bucket.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use s3fs_core::store::StoreError;
use s3fs_core::{MountConfig, Objects, Prefix, Resources};
use tokio::runtime::{Builder, Runtime};

use super::place::Place;
use crate::cluster::error::ClusterError;

/// Maximum number of requests at once.
const AT_ONCE: usize = 32;

/// The objects of one call, or those shared by calls.
#[derive(Debug)]
pub(crate) struct Bucket {
    objects: Objects,
    url: String,
    runtime: Runtime,
}

impl Bucket {
    /// Connects to the bucket. `folder`: path below the spool's own prefix.
    pub(crate) fn connect(config: &MountConfig, folder: &str) -> Result<Self, ClusterError> {
        let url = format!("s3://{}/{}{folder}/", config.bucket, config.prefix);
        let failed = |reason: String| ClusterError::Spool {
            operation: "reach",
            object: url.clone(),
            reason,
        };
        let prefix = Prefix::new(format!("{}{folder}/", config.prefix).as_str());
        let config = MountConfig {
            prefix: prefix.map_err(|error| failed(error.to_string()))?,
            ..config.clone()
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("stub-spool")
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let objects = runtime.block_on(async {
            let resources = Resources::default();
            Objects::connect(&config, &resources).await
        });
        let objects = objects.map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            objects,
            url,
            runtime,
        })
    }

    /// Stores a file, unless it is there.
    pub(crate) fn put_file_once(&self, name: &str, path: &Path) -> Result<(), ClusterError> {
        let stored = self.runtime.block_on(async {
            if self
                .objects
                .has(name)
                .await
                .map_err(std::io::Error::other)?
            {
                return Ok(());
            }
            self.objects.put_file(name, path).await
        });
        stored.map_err(|error| ClusterError::Spool {
            operation: "write",
            object: format!("{}{name}", self.url),
            reason: error.to_string(),
        })
    }

    /// Returns a URL with which anybody can read the object for this time.
    pub(crate) fn presigned(&self, name: &str, valid: Duration) -> Result<String, ClusterError> {
        let signed = self.objects.presigned(name, valid);
        self.runtime
            .block_on(signed)
            .map_err(self.failed("sign a URL for", name))
    }

    fn failed(
        &self,
        operation: &'static str,
        name: &str,
    ) -> impl FnOnce(StoreError) -> ClusterError + use<> {
        let object = format!("{}{name}", self.url);
        move |error| ClusterError::Spool {
            operation,
            object,
            reason: error.kind.to_string(),
        }
    }
}

impl Place for Bucket {
    fn put(&self, objects: Vec<(String, Vec<u8>)>) -> Result<(), ClusterError> {
        self.runtime.block_on(async {
            let puts = objects.into_iter().map(|(name, bytes)| async move {
                let put = self.objects.put(&name, Bytes::from(bytes)).await;
                put.map_err(self.failed("write", &name))
            });
            let mut puts = stream::iter(puts).buffer_unordered(AT_ONCE);
            while let Some(put) = puts.next().await {
                put?;
            }
            Ok(())
        })
    }

    fn get(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>, ClusterError> {
        self.runtime.block_on(async {
            let gets = names.iter().map(|name| async move {
                let got = self.objects.get(name).await;
                let got = got.map_err(self.failed("read", name))?;
                Ok(got.map(|bytes| bytes.to_vec()))
            });
            let gets = stream::iter(gets).buffered(AT_ONCE);
            let all: Vec<_> = gets.collect().await;
            all.into_iter().collect()
        })
    }

    fn list(&self, begin: &str) -> Result<Vec<String>, ClusterError> {
        self.runtime
            .block_on(self.objects.list(begin))
            .map_err(self.failed("list", begin))
    }

    fn remove_all(&self) -> Result<(), ClusterError> {
        self.runtime.block_on(async {
            let names = self.objects.list("").await;
            let names = names.map_err(self.failed("list", ""))?;
            let deletes = names.iter().map(|name| async move {
                let deleted = self.objects.delete(name).await;
                deleted.map_err(self.failed("remove", name))
            });
            let mut deletes = stream::iter(deletes).buffer_unordered(AT_ONCE);
            while let Some(deleted) = deletes.next().await {
                deleted?;
            }
            Ok(())
        })
    }
}
