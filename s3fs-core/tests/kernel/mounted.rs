//! Bucket on its own server, mounted on its own folder until dropped.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use s3_local::Server;
use s3fs_core::{BucketName, Credentials, MountConfig};
use stub_test_support::served;

use crate::mount::Mount;

/// Retry timeout of mounts whose requests are expected to fail.
pub(crate) const SOON: Duration = Duration::from_millis(500);

/// Name of the bucket that tests mount.
pub(crate) const BUCKET: &str = "data";

/// Name of the directory bucket that tests mount.
pub(crate) const DIRECTORY: &str = "data--use1-az4--x-s3";

/// Sets the directory bucket, for [`Bucket::mount`].
pub(crate) fn directory(config: &mut MountConfig) {
    config.bucket = BucketName::new(DIRECTORY).unwrap();
}

/// Mounted bucket with its server.
pub(crate) struct Bucket {
    /// Mount; dropped before the server, which is needed to unmount.
    mount: Mount,
    /// Server, shared so that the bucket can be mounted again.
    pub(crate) server: Arc<Server>,
    /// Name of the bucket on the server.
    pub(crate) name: String,
}

/// Starts a server with the bucket, to be filled before it is mounted.
pub(crate) fn server() -> Server {
    served(BUCKET, &[])
}

/// Returns the configuration to mount the bucket of a server with its root key.
pub(crate) fn config(server: &Server) -> MountConfig {
    MountConfig {
        endpoint_url: Some(server.endpoint_url()),
        credentials: Credentials::Static {
            access_key_id: server.access_key_id().to_owned(),
            secret_access_key: server.secret_access_key().to_owned(),
            session_token: None,
        },
        ..MountConfig::new(BucketName::new(BUCKET).unwrap())
    }
}

/// Mounts an empty bucket read-write.
pub(crate) fn empty() -> Bucket {
    Bucket::mount(server(), |_| {})
}

impl Bucket {
    /// Mounts the bucket of a server with a configuration changed by `change`.
    pub(crate) fn mount(
        server: impl Into<Arc<Server>>,
        change: impl FnOnce(&mut MountConfig),
    ) -> Self {
        Self::mount_with(server, None, change)
    }

    /// Mounts like `mount`, with a limit in bytes on memory for file contents.
    pub(crate) fn mount_with(
        server: impl Into<Arc<Server>>,
        budget: Option<u64>,
        change: impl FnOnce(&mut MountConfig),
    ) -> Self {
        let server = server.into();
        let mut config = config(&server);
        change(&mut config);
        let name = config.bucket.to_string();
        let mount = Mount::start(config, budget);
        Self {
            mount,
            server,
            name,
        }
    }

    /// Returns all keys on the server after everything is stored.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.finish();
        self.server.keys(&self.name)
    }

    /// Returns an object on the server after everything is stored.
    pub(crate) fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.finish();
        self.server.get(&self.name, key).map(|bytes| bytes.to_vec())
    }
}

impl Deref for Bucket {
    type Target = Mount;

    fn deref(&self) -> &Mount {
        &self.mount
    }
}

/// Returns the errno of a failed call.
pub(crate) fn errno<T: std::fmt::Debug>(result: std::io::Result<T>) -> nix::errno::Errno {
    nix::errno::Errno::from_raw(result.unwrap_err().raw_os_error().unwrap())
}

/// Collects all files below a folder, as `find -type f` prints them, with the folders in no order.
pub(crate) fn find(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            find(&entry.path(), found);
        } else {
            found.push(entry.path().to_str().unwrap().to_owned());
        }
    }
}
