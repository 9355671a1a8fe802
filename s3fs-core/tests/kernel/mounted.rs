//! A bucket on a server of its own, mounted at a folder of its own, gone when dropped.

use std::path::{Path, PathBuf};

use s3_local::{S3Local, Server};
use s3fs_core::{
    BucketName, Credentials, FileSystem, MountConfig, MountPoint, NotStored, Resources,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The bucket that tests mount.
pub(crate) const BUCKET: &str = "data";

/// A mounted bucket.
pub(crate) struct Bucket {
    pub(crate) server: Server,
    runtime: Runtime,
    folder: TempDir,
    mounted: Option<s3fs_core::Mounted>,
}

/// A server with the bucket, to be filled before it is mounted.
pub(crate) fn server() -> Server {
    let server = S3Local::builder().start();
    server.create_bucket(BUCKET);
    server
}

/// How to mount the bucket of a server with its root key.
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

/// An empty bucket, mounted read-write.
pub(crate) fn empty() -> Bucket {
    Bucket::mount(server(), |_| {})
}

impl Bucket {
    /// Mounts the bucket of a server with a configuration changed by `change`.
    pub(crate) fn mount(server: Server, change: impl FnOnce(&mut MountConfig)) -> Self {
        Self::mount_with(server, &Resources::default(), change)
    }

    pub(crate) fn mount_with(
        server: Server,
        resources: &Resources,
        change: impl FnOnce(&mut MountConfig),
    ) -> Self {
        let mut config = config(&server);
        change(&mut config);
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let read_only = config.access == s3fs_core::Access::ReadOnly;
        let mounted = runtime.block_on(async {
            let fs = FileSystem::connect(config, resources).await.unwrap();
            let point = MountPoint {
                folder: folder.path(),
                source: BUCKET,
                read_only,
                allow_other: false,
            };
            fs.mount_at(&point).unwrap()
        });
        Self {
            server,
            runtime,
            folder,
            mounted: Some(mounted),
        }
    }

    /// The folder where the bucket is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path in it.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.at(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Waits until all is stored.
    pub(crate) fn finish(&self) -> Vec<NotStored> {
        self.runtime
            .block_on(self.mounted.as_ref().unwrap().serving.finish())
    }

    /// What the server holds under a key.
    pub(crate) fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.server.get(BUCKET, key).map(|bytes| bytes.to_vec())
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let Some(mut mounted) = self.mounted.take() else {
            return;
        };
        self.runtime.block_on(mounted.serving.finish());
        if mounted.unmount.unmount().is_err() {
            let _ = nix::mount::umount2(self.folder.path(), nix::mount::MntFlags::MNT_DETACH);
        }
        let ended = mounted.serving.join();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let left = mounts.contains(self.folder.path().to_str().unwrap());
        if !std::thread::panicking() {
            ended.unwrap();
            assert!(!left, "the mount is still there");
        }
    }
}

/// `length` bytes of which every stretch is different.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// The errno of a failed call.
pub(crate) fn errno<T: std::fmt::Debug>(result: std::io::Result<T>) -> nix::errno::Errno {
    nix::errno::Errno::from_raw(result.unwrap_err().raw_os_error().unwrap())
}
