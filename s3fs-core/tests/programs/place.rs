//! Place of a test: a mounted bucket, or a plain folder for comparison.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use s3_local::Server;
use s3fs_core::{BucketName, MountConfig, Prefix};
use stub_test_support::served;
use tempfile::TempDir;

use crate::mount::Mount;
use crate::mounted::{Bucket, DIRECTORY, directory, server};
use crate::tree::Tree;

/// Variable with a folder in which the tests work instead of a bucket.
const ON: &str = "STUB_PROGRAMS_ON";

/// Variable with a bucket of an existing server, in which each test works below its own prefix.
const BUCKET_OF_OTHERS: &str = "STUB_PROGRAMS_BUCKET";

/// Variable that has each test work in a directory bucket of its own.
const IN_DIRECTORY_BUCKET: &str = "STUB_PROGRAMS_DIRECTORY_BUCKET";

/// Folder of a test, empty at first.
pub(crate) struct Place(Kind);

enum Kind {
    Mounted(Bucket),
    /// Prefix of a bucket on a server that the tests do not control.
    Foreign(Mount, Box<MountConfig>),
    Local {
        above: TempDir,
        folder: PathBuf,
    },
}

impl Place {
    /// Creates a place on its own server, unless the environment gives another.
    pub(crate) fn new() -> Self {
        if let Some(folder) = std::env::var_os(ON) {
            let above = tempfile::tempdir_in(folder).unwrap();
            // Other users get into a mount, too.
            let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(above.path(), open).unwrap();
            let folder = above.path().join("0");
            std::fs::create_dir(&folder).unwrap();
            return Self(Kind::Local { above, folder });
        }
        if let Ok(bucket) = std::env::var(BUCKET_OF_OTHERS) {
            let config = foreign(&bucket);
            let mount = Mount::start(config.clone(), None);
            return Self(Kind::Foreign(mount, Box::new(config)));
        }
        match std::env::var_os(IN_DIRECTORY_BUCKET) {
            Some(_) => Self::in_directory_bucket(),
            None => Self(Kind::Mounted(Bucket::mount(server(), |_| {}))),
        }
    }

    /// Creates a place in a directory bucket on its own server.
    pub(crate) fn in_directory_bucket() -> Self {
        let server = served(DIRECTORY, &[]);
        Self(Kind::Mounted(Bucket::mount(server, directory)))
    }

    /// Returns whether the place is a local disk, which can do more than a bucket.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.0, Kind::Local { .. })
    }

    /// Returns the folder.
    pub(crate) fn path(&self) -> &Path {
        match &self.0 {
            Kind::Mounted(bucket) => bucket.path(),
            Kind::Foreign(mount, _) => mount.path(),
            Kind::Local { folder, .. } => folder,
        }
    }

    /// Returns a path in the folder.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Returns the server of the bucket, if the test has started it.
    pub(crate) fn server(&self) -> Option<&Arc<Server>> {
        match &self.0 {
            Kind::Mounted(bucket) => Some(&bucket.server),
            Kind::Foreign(..) | Kind::Local { .. } => None,
        }
    }

    /// Returns the name of the bucket on the server that the test has started.
    pub(crate) fn bucket_name(&self) -> &str {
        match &self.0 {
            Kind::Mounted(bucket) => &bucket.name,
            Kind::Foreign(..) | Kind::Local { .. } => "",
        }
    }

    /// Unmounts the bucket and mounts it on another folder, so that all reads come from the objects
    /// alone.
    pub(crate) fn fresh(self) -> Self {
        self.settle();
        match self.0 {
            Kind::Mounted(bucket) => {
                let server = Arc::clone(&bucket.server);
                let name = BucketName::new(&*bucket.name).unwrap();
                drop(bucket);
                let change = |config: &mut MountConfig| config.bucket = name;
                Self(Kind::Mounted(Bucket::mount(server, change)))
            }
            Kind::Foreign(mount, config) => {
                drop(mount);
                let mount = Mount::start((*config).clone(), None);
                Self(Kind::Foreign(mount, config))
            }
            Kind::Local { above, folder } => {
                let next = folder.with_file_name(format!("{}x", folder.display()));
                std::fs::rename(&folder, &next).unwrap();
                Self(Kind::Local {
                    above,
                    folder: next,
                })
            }
        }
    }

    /// Waits until everything is stored.
    pub(crate) fn settle(&self) {
        let folder = std::fs::File::open(self.path()).unwrap();
        rustix::fs::syncfs(&folder).unwrap();
        let lost = match &self.0 {
            Kind::Mounted(bucket) => bucket.finish(),
            Kind::Foreign(mount, _) => mount.finish(),
            Kind::Local { .. } => return,
        };
        assert!(lost.is_empty(), "not stored: {lost:?}");
    }

    /// Returns the bytes of a key on the server, after everything is stored.
    pub(crate) fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.settle();
        match &self.0 {
            Kind::Mounted(bucket) => bucket.object(key),
            Kind::Foreign(mount, _) => std::fs::read(mount.at(key)).ok(),
            Kind::Local { folder, .. } => std::fs::read(folder.join(key)).ok(),
        }
    }

    /// Returns the content of the folder.
    pub(crate) fn tree(&self) -> Tree {
        Tree::of(self.path())
    }

    /// Compares the objects with the folder: each file is the object of its name, byte for byte, and
    /// there are no other objects.
    #[track_caller]
    pub(crate) fn check_objects(&self) {
        self.settle();
        let Kind::Mounted(bucket) = &self.0 else {
            return;
        };
        let tree = self.tree();
        for (name, sum) in tree.files() {
            let object = bucket.object(name);
            let object = object.unwrap_or_else(|| panic!("{name:?} is no object"));
            assert_eq!(*sum, crate::tree::sum(&object), "the object {name:?}");
        }
        for key in bucket.server.keys(&bucket.name) {
            let name = key.trim_end_matches('/');
            assert!(tree.has(name), "the object {key:?} is not shown");
        }
        // An upload that was begun by a request whose answer got lost is known to nobody.
        if bucket.server.knobs().failed_by_chance() == 0 {
            let unfinished = bucket.server.incomplete_uploads(&bucket.name);
            assert!(unfinished.is_empty(), "unfinished uploads: {unfinished:?}");
        }
    }

    /// Compares the tree with the objects and with a fresh mount; returns the fresh mount.
    #[track_caller]
    pub(crate) fn check_fresh(self) -> Self {
        let before = self.tree();
        self.check_objects();
        let fresh = self.fresh();
        fresh.tree().assert_same(&before);
        fresh
    }
}

/// Returns a prefix that no other test has, in a bucket configured by the environment.
fn foreign(bucket: &str) -> MountConfig {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let prefix = format!(
        "{}-{}/",
        process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    MountConfig {
        prefix: Prefix::new(&prefix).unwrap(),
        region: std::env::var("AWS_REGION").ok(),
        endpoint_url: std::env::var("AWS_ENDPOINT_URL").ok(),
        force_path_style: true,
        ..MountConfig::new(BucketName::new(bucket).unwrap())
    }
}
