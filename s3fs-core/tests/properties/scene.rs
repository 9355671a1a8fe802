//! Scene of an operation: objects with all properties, mounted, and what became of them.

use std::path::PathBuf;
use std::process;
use std::sync::OnceLock;

use s3fs_core::{BucketName, Credentials, MountConfig, Prefix};
use stub_test_support::noise;

use crate::client::{BUCKET, Bucket};
use crate::mount::Mount;
use crate::property::{Encryption, Property, Shown, stored};
use crate::server::{Server, server};

/// Size of an object, on one side of the bytes up to which it is stored in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

impl Size {
    /// Returns the number of bytes. Of a large object, whole parts can be copied.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Small => 10_000,
            Self::Large => 12 << 20,
        }
    }
}

/// File of an operation.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// Bytes that it should have.
    pub(crate) content: Vec<u8>,
    encryption: Encryption,
}

/// Mounted folder `folder`, with a file for each kind of encryption.
pub(crate) struct Scene {
    pub(crate) root: PathBuf,
    pub(crate) files: Vec<File>,
    /// File without special properties, of the same size.
    pub(crate) plain: File,
}

/// Operation, which changes all files, and notes their new paths and bytes.
pub(crate) type Operation = fn(&mut Scene);

/// Objects with what the server showed of them before and after an operation.
pub(crate) struct Outcome(Vec<(Encryption, Shown, Shown)>);

/// Operation on objects of a size.
pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) operation: Operation,
    pub(crate) size: Size,
    pub(crate) outcome: &'static OnceLock<Outcome>,
}

impl Cell {
    /// Checks that the operation keeps a property, or that the server loses it as it is known to.
    #[allow(clippy::print_stdout, reason = "says what the server lacks")]
    pub(crate) fn check(&self, property: Property) {
        let Some(server) = server() else {
            return;
        };
        let vendor = server.vendor;
        if let Some(reason) = vendor.refuses(property) {
            println!("{vendor:?} stores no {property:?}: {reason}");
            return;
        }
        let Outcome(objects) = self.outcome.get_or_init(|| self.run(server));
        for (encryption, before, after) in objects {
            let stored = stored(property, *encryption);
            let (before, after) = (before.text(property), after.text(property));
            assert_eq!(before, stored, "before {}", self.name);
            match vendor.loses(property, self.name) {
                None => assert_eq!(after, stored, "after {}", self.name),
                Some(reason) => {
                    assert_ne!(after, stored, "{vendor:?} keeps it now, although: {reason}");
                    println!("{vendor:?} loses {property:?}: {reason}");
                }
            }
        }
    }

    fn run(&self, server: &Server) -> Outcome {
        let bucket = Bucket::connect(server);
        let prefix = format!("{}-{}-{:?}/", process::id(), self.name, self.size);
        let mount = self.fill(&bucket, server, &prefix);
        let mut scene = self.scene(server, &mount);
        let key = |path: &PathBuf| {
            let name = path.strip_prefix(mount.path()).unwrap();
            format!("{prefix}{}", name.to_str().unwrap())
        };
        let show = |file: &File| bucket.show(&key(&file.path));
        let before: Vec<Shown> = scene.files.iter().map(show).collect();
        (self.operation)(&mut scene);
        let lost = mount.finish();
        assert!(lost.is_empty(), "not stored: {lost:?}");
        let after = scene.files.iter().zip(before).map(|(file, before)| {
            let content = bucket.get(&key(&file.path));
            assert!(content == file.content, "the bytes after {}", self.name);
            (file.encryption, before, show(file))
        });
        Outcome(after.collect())
    }

    /// Stores the objects of the scene, and mounts their prefix.
    fn fill(&self, bucket: &Bucket, server: &Server, prefix: &str) -> Mount {
        let vendor = server.vendor;
        let all = Property::ALL.into_iter();
        let taken: Vec<Property> = all.filter(|it| vendor.refuses(*it).is_none()).collect();
        let content = noise(self.size.bytes());
        for (n, encryption) in vendor.encryptions().iter().enumerate() {
            let key = format!("{prefix}folder/{n}");
            bucket.put(&key, &content, &taken, *encryption).unwrap();
        }
        let key = format!("{prefix}plain");
        let plain = bucket.put(&key, &self.other(), &[], Encryption::None);
        plain.unwrap();
        let config = MountConfig {
            prefix: Prefix::new(prefix).unwrap(),
            region: Some(server.region.clone()),
            endpoint_url: Some(server.endpoint_url.clone()),
            force_path_style: true,
            credentials: Credentials::Static {
                access_key_id: server.access_key_id.clone(),
                secret_access_key: server.secret_access_key.clone(),
                session_token: None,
            },
            ..MountConfig::new(BucketName::new(BUCKET).unwrap())
        };
        Mount::start(config, None)
    }

    fn scene(&self, server: &Server, mount: &Mount) -> Scene {
        let file = |path: &str, content, encryption| File {
            path: mount.at(path),
            content,
            encryption,
        };
        let encryptions = server.vendor.encryptions().iter().enumerate();
        let content = noise(self.size.bytes());
        Scene {
            root: mount.path().to_owned(),
            files: encryptions
                .map(|(n, it)| file(&format!("folder/{n}"), content.clone(), *it))
                .collect(),
            plain: file("plain", self.other(), Encryption::None),
        }
    }

    /// Returns the bytes of the file without special properties.
    fn other(&self) -> Vec<u8> {
        let mut content = noise(self.size.bytes());
        content.reverse();
        content
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "says what the server lacks")]
fn properties_that_the_server_refuses_cannot_be_stored() {
    let Some(server) = server() else {
        return;
    };
    let bucket = Bucket::connect(server);
    for property in Property::ALL {
        let Some(reason) = server.vendor.refuses(property) else {
            continue;
        };
        println!("{:?} stores no {property:?}: {reason}", server.vendor);
        let key = format!("{}-refused/{property:?}", process::id());
        let put = bucket.put(&key, b"x", &[property], Encryption::Aes256);
        if put.is_ok() {
            let shown = bucket.show(&key).text(property);
            let stored = stored(property, Encryption::Aes256);
            assert_ne!(shown, stored, "it stores {property:?} now");
        }
    }
}
