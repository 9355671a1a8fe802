//! Credentials that are exchanged while a bucket is mounted.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use s3_local::{Operation, Policy, S3Local, Server};
use s3fs_core::{Credentials, MountConfig};
use stub_test_support::{eventually, noise};
use tempfile::TempDir;

use crate::mount::Mount;
use crate::mounted::{BUCKET, DIRECTORY, config, directory};

/// Keys of the server, of which the first is in use at first.
const KEYS: [&str; 2] = ["first", "second"];

/// Number of files that are read at once.
const READERS: u64 = 30;

/// Server with temporary keys, and files that say which ones a mount uses.
struct Site {
    server: Server,
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        Self::with(BUCKET, &Policy::read_write(BUCKET))
    }

    /// Creates a site with a bucket, for which each key has a policy.
    fn with(bucket: &str, policy: &Policy) -> Self {
        let builder = KEYS.iter().fold(S3Local::builder(), |builder, key| {
            builder.temporary_key(*key, secret(key), token(key), policy.clone())
        });
        let server = builder.start();
        server.create_bucket(bucket);
        let folder = tempfile::tempdir().unwrap();
        let site = Self { server, folder };
        site.write("none", "");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Writes a profile `work` with these keys.
    fn profile(&self, key: &str) {
        let (secret, token) = (secret(key), token(key));
        let text = format!(
            "[work]\naws_access_key_id={key}\naws_secret_access_key={secret}\n\
             aws_session_token={token}\n"
        );
        self.write("credentials", &text);
    }

    /// Writes these keys where the program of [`Self::process`] finds them.
    fn printed(&self, key: &str) {
        let (secret, token) = (secret(key), token(key));
        let text = format!(
            "{{\"Version\": 1, \"AccessKeyId\": \"{key}\", \"SecretAccessKey\": \"{secret}\", \
             \"SessionToken\": \"{token}\"}}"
        );
        self.write("printed", &text);
    }

    /// Writes the profile `default`, whose keys a program prints. It counts its runs.
    fn process(&self) {
        let (keys, runs) = (self.path("printed"), self.path("runs"));
        let (keys, runs) = (keys.display(), runs.display());
        let program = format!("echo run >>{runs}; cat {keys}");
        self.write(
            "config",
            &format!("[default]\ncredential_process={program}\n"),
        );
    }

    fn runs(&self) -> u64 {
        let runs = fs::read_to_string(self.path("runs")).unwrap();
        runs.lines().count() as u64
    }

    fn mount(&self, profile: Option<&str>, config_file: &str) -> Mount {
        self.mount_as(config(&self.server), profile, config_file)
    }

    fn mount_as(&self, config: MountConfig, profile: Option<&str>, config_file: &str) -> Mount {
        let config = MountConfig {
            credentials: Credentials::Chain {
                profile: profile.map(str::to_owned),
            },
            retry_timeout: Duration::from_mins(1),
            ..config
        };
        let files = [
            ("AWS_CONFIG_FILE", self.path(config_file)),
            ("AWS_SHARED_CREDENTIALS_FILE", self.path("credentials")),
        ];
        let files = files
            .each_ref()
            .map(|(name, path)| (*name, path.as_os_str()));
        Mount::start_with(config, None, &files)
    }

    fn refused(&self) -> u64 {
        let requests = self.server.log().requests();
        let refused = requests
            .iter()
            .filter(|request| matches!(request.status, Some(400 | 403)));
        refused.count() as u64
    }
}

fn secret(key: &str) -> String {
    format!("{key}-secret")
}

fn token(key: &str) -> String {
    format!("{key}-token")
}

#[test]
fn a_file_of_keys_that_is_rewritten_is_read_again_while_a_file_is_written() {
    let site = Site::new();
    site.profile("first");
    site.server.put(BUCKET, "there", "bytes");
    let mount = site.mount(Some("work"), "none");
    let bytes = noise(24 << 20);
    let mut file = File::create(mount.at("large")).unwrap();
    file.write_all(&bytes[..12 << 20]).unwrap();
    eventually("a part is sent", || {
        !site.server.incomplete_uploads(BUCKET).is_empty()
    });
    site.profile("second");
    site.server.expire_key("first");
    file.write_all(&bytes[12 << 20..]).unwrap();
    file.sync_all().unwrap();
    drop(file);
    assert_eq!(fs::read(mount.at("there")).unwrap(), b"bytes");
    assert!(mount.finish().is_empty());
    assert!(site.server.get(BUCKET, "large").unwrap() == bytes);
    assert!(site.refused() > 0, "the first keys were used until then");
}

#[test]
fn sessions_of_a_directory_bucket_are_created_with_the_keys_that_were_read_again() {
    let policy = Policy::new().allow("s3express:CreateSession", DIRECTORY);
    let site = Site::with(DIRECTORY, &policy);
    site.profile("first");
    let mut config = config(&site.server);
    directory(&mut config);
    let mount = site.mount_as(config, Some("work"), "none");
    fs::write(mount.at("a"), "bytes").unwrap();
    assert!(mount.finish().is_empty());
    site.profile("second");
    site.server.expire_key("first");
    site.server.end_sessions();
    fs::write(mount.at("b"), "bytes").unwrap();
    fs::rename(mount.at("a"), mount.at("c")).unwrap();
    assert!(mount.finish().is_empty());
    assert_eq!(site.server.keys(DIRECTORY), ["b", "c"]);
    let requests = site.server.log().requests();
    let mut created = requests.iter().filter(|request| {
        request.operation == Operation::CreateSession && request.status == Some(200)
    });
    let last = created.next_back().unwrap();
    assert_eq!(last.access_key.as_deref(), Some("second"));
}

#[test]
fn programs_wait_while_a_revoked_key_is_not_replaced_yet() {
    let site = Site::new();
    site.printed("first");
    site.process();
    for number in 0..READERS {
        site.server.put(BUCKET, &format!("{number}"), "bytes");
    }
    let (start, mount) = (Instant::now(), site.mount(None, "config"));
    site.server.revoke_key("first");
    thread::scope(|scope| {
        let mount = &mount;
        let readers: Vec<_> = (0..READERS)
            .map(|number| scope.spawn(move || fs::read(mount.at(&format!("{number}")))))
            .collect();
        let created = scope.spawn(|| {
            let mut file = File::create(mount.at("new"))?;
            file.write_all(b"new")?;
            file.sync_all()
        });
        let missing = scope.spawn(|| fs::metadata(mount.at("absent")));
        eventually("many requests are refused", || site.refused() > 3 * READERS);
        let (runs, seconds) = (site.runs(), start.elapsed().as_secs());
        assert!(runs <= seconds + 2, "{runs} runs in {seconds} s");
        site.printed("second");
        for reader in readers {
            assert_eq!(reader.join().unwrap().unwrap(), b"bytes");
        }
        created.join().unwrap().unwrap();
        let missing = missing.join().unwrap().unwrap_err();
        assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
    });
    assert!(mount.finish().is_empty());
}

#[test]
fn a_file_of_keys_that_is_broken_for_a_while_is_waited_for() {
    let site = Site::new();
    site.profile("first");
    site.server.put(BUCKET, "there", "bytes");
    let mount = site.mount(Some("work"), "none");
    site.write("credentials", "[work]\naws_access_key_id=second\n");
    site.server.expire_key("first");
    thread::scope(|scope| {
        let reader = scope.spawn(|| fs::read(mount.at("there")));
        eventually("a request is refused", || site.refused() > 0);
        // The keys do not belong together, as in a file that is being written.
        site.write(
            "credentials",
            "[work]\naws_access_key_id=second\naws_secret_access_key=first-secret\n",
        );
        let before = site.refused();
        eventually("their signature is refused", || site.refused() > before);
        site.profile("second");
        assert_eq!(reader.join().unwrap().unwrap(), b"bytes");
    });
}
