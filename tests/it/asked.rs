//! Secrets from functions that are asked again while a bucket is mounted.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs, io, thread};

use nix::sys::signal::{Signal, kill};
use s3_local::{Operation, Policy, S3Local, Server};
use stub::{CloudBucketMount, ErrorKind, Secret};
use stub_test_support::{Clean, eventually, repeated, shared};

use crate::act::{act, output, tell};
use crate::bucket::{self, BUCKET, volume};
use crate::death::process;

const DATA: &str = "/stub-it/data";

/// Returns after the file is there.
fn wait_for(path: &Path) {
    while !path.exists() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Yields two files; the second one is read and copied once there is `go` in the folder.
#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn in_two_halves(folder: PathBuf) -> impl Iterator<Item = Result<String, String>> {
    let half = move |number| -> io::Result<String> {
        if number == 0 {
            return fs::read_to_string(format!("{DATA}/hello.txt"));
        }
        wait_for(&folder.join("go"));
        let text = fs::read_to_string(format!("{DATA}/in/deep.txt"))?;
        fs::write(format!("{DATA}/copy"), &text)?;
        fs::write(folder.join("done"), "")?;
        Ok(text)
    };
    (0..2).map(move |number| half(number).map_err(|error| error.to_string()))
}

#[stub::function(volumes = <"/stub-it/data" => volume()>, max_containers = 1)]
fn reads(name: String, after: Option<PathBuf>) -> io::Result<(usize, String)> {
    static INPUTS: AtomicUsize = AtomicUsize::new(0);
    after.as_deref().map(wait_for);
    let text = fs::read_to_string(Path::new(DATA).join(name))?;
    Ok((INPUTS.fetch_add(1, Ordering::Relaxed), text))
}

/// Reads a file once the second path is there, in a sandbox of its own.
#[stub::function(volumes = <"/stub-it/data" => volume()>, max_containers = 1, max_inputs = 1)]
fn reads_apart(name: String, begun: PathBuf, go: PathBuf) -> io::Result<String> {
    fs::write(begun, "")?;
    wait_for(&go);
    fs::read_to_string(Path::new(DATA).join(name))
}

/// Writes once there is `go` in the folder.
#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn writes(folder: PathBuf) -> io::Result<()> {
    fs::write(folder.join("begun"), "")?;
    wait_for(&folder.join("go"));
    fs::write(format!("{DATA}/new"), "new")
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn uploads() -> io::Result<()> {
    let mut file = fs::File::create(format!("{DATA}/half.bin"))?;
    io::Write::write_all(&mut file, &vec![7; 40 << 20])?;
    thread::sleep(Duration::from_hours(1));
    Ok(())
}

/// Returns what a body can see of its process: variables, and what its descriptors lead to.
#[stub::function(volumes = <"/stub-it/data" => volume()>, secrets = [Secret::from_fn(|| Ok::<_, String>([("TOKEN", "hunter2")]))])]
fn sees() -> io::Result<(Vec<(String, String)>, usize)> {
    let descriptors = fs::read_dir("/proc/self/fd")?.count();
    Ok((env::vars().collect(), descriptors))
}

#[stub::function(secrets = [Secret::from_fn(|| Err::<[(&str, &str); 0], _>("the vault is sealed"))])]
fn has_no_secret() {}

/// Vault whose current key a test replaces.
#[derive(Clone, Debug, Default)]
struct Vault(Arc<State>);

#[derive(Debug, Default)]
struct State {
    key: Mutex<&'static str>,
    expiry: Mutex<Option<&'static str>>,
    calls: AtomicUsize,
}

impl Vault {
    fn of(key: &'static str) -> Self {
        let vault = Self::default();
        vault.gives(key);
        vault
    }

    fn gives(&self, key: &'static str) {
        *self.0.key.lock().unwrap() = key;
    }

    fn calls(&self) -> usize {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Returns the current key; fails if it has none, and panics if that is `panic`.
    fn lease(&self) -> io::Result<Vec<(&'static str, String)>> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let key = *self.0.key.lock().unwrap();
        assert_ne!(key, "panic");
        if key.is_empty() {
            return Err(io::Error::other("the vault is sealed"));
        }
        let mut entries = vec![
            ("AWS_ACCESS_KEY_ID", key.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", format!("{key}-hidden")),
        ];
        let expiry = *self.0.expiry.lock().unwrap();
        entries.extend(expiry.map(|time| ("AWS_CREDENTIAL_EXPIRATION", time.to_owned())));
        Ok(entries)
    }

    fn volume(&self, server: &Server) -> CloudBucketMount {
        let vault = self.clone();
        bucket::at(server, BUCKET).secret(Secret::from_fn(move || vault.lease()))
    }
}

/// Starts a server that knows the keys `first` and `second`.
fn server() -> Server {
    let both = ["first", "second"].into_iter();
    let builder = both.fold(S3Local::builder(), |builder, key| {
        builder.access_key(key, format!("{key}-hidden"), Policy::read_write(BUCKET))
    });
    bucket::filled(builder.start())
}

#[test]
fn a_function_is_asked_again_when_keys_are_refused_though_nobody_waits_for_a_value() {
    let _clean = Clean::start();
    let (server, folder, vault) = (server(), shared(), Vault::of("first"));
    bucket::choose(vault.volume(&server));
    let mut halves = in_two_halves(folder.path().to_owned());
    assert_eq!(halves.next().unwrap().unwrap().unwrap(), "hello\n");
    assert_eq!(vault.calls(), 1);
    server.revoke_key("first");
    vault.gives("second");
    fs::write(folder.path().join("go"), "").unwrap();
    // The caller takes no value meanwhile.
    eventually("the second half is read", || {
        folder.path().join("done").exists()
    });
    assert_eq!(halves.next().unwrap().unwrap().unwrap(), "deep\n");
    assert!(halves.next().is_none());
    assert_eq!(server.get(BUCKET, "copy").as_deref(), Some(&b"deep\n"[..]));
    assert_eq!(vault.calls(), 2);
}

#[test]
fn a_warm_sandbox_of_a_map_asks_its_caller() {
    let _clean = Clean::start();
    let (server, folder, vault) = (server(), shared(), Vault::of("first"));
    bucket::choose(vault.volume(&server));
    let go = folder.path().join("go");
    let inputs = [("hello.txt", None), ("in/deep.txt", Some(go.clone()))];
    let inputs = inputs.map(|(name, after)| (name.to_owned(), after));
    let mut values = reads::starmap(inputs);
    let mut next = || values.next().unwrap().unwrap();
    assert_eq!(next(), (0, "hello\n".to_owned()));
    server.revoke_key("first");
    vault.gives("second");
    fs::write(go, "").unwrap();
    assert_eq!(next(), (1, "deep\n".to_owned()), "the same sandbox");
    assert_eq!(vault.calls(), 2);
}

#[test]
fn a_later_sandbox_of_a_map_asks_its_caller_for_keys_that_replaced_the_first() {
    let _clean = Clean::start();
    let (server, folder, vault) = (server(), shared(), Vault::of("first"));
    let volume = vault.volume(&server);
    let (begun, go) = (folder.path().join("begun"), folder.path().join("go"));
    let inputs = [
        ("hello.txt", begun.clone(), go.clone()),
        ("in/deep.txt", begun, go),
    ];
    let inputs = inputs.map(|(name, begun, go)| (name.to_owned(), begun, go));
    let values = thread::scope(|scope| {
        let values = scope.spawn(|| {
            bucket::choose(volume);
            reads_apart::starmap(inputs).collect::<Vec<_>>()
        });
        eventually("the first sandbox runs", || {
            folder.path().join("begun").exists()
        });
        server.revoke_key("first");
        vault.gives("second");
        fs::write(folder.path().join("go"), "").unwrap();
        values.join().unwrap()
    });
    let values: Vec<String> = values.into_iter().map(Result::unwrap).collect();
    assert_eq!(values, ["hello\n", "deep\n"]);
}

#[test]
fn keys_that_have_expired_are_asked_for_before_a_request_is_refused() {
    let _clean = Clean::start();
    let (server, vault) = (server(), Vault::of("first"));
    *vault.0.expiry.lock().unwrap() = Some("2020-01-31T12:00:00Z");
    bucket::choose(vault.volume(&server));
    *vault.0.expiry.lock().unwrap() = Some("2120-01-31T13:00:00+01:00");
    vault.gives("second");
    assert_eq!(reads("hello.txt".to_owned(), None).unwrap().1, "hello\n");
    let requests = server.log().requests();
    let mut keys = requests.iter().map(|request| request.access_key.as_deref());
    assert!(keys.all(|key| key == Some("second")), "{requests:?}");
    assert_eq!(vault.calls(), 2);
    *vault.0.expiry.lock().unwrap() = Some("tomorrow");
    bucket::choose(vault.volume(&server));
    let text = reads("hello.txt".to_owned(), None).unwrap_err().to_string();
    assert!(
        text.contains("`AWS_CREDENTIAL_EXPIRATION` of the secret is not a time"),
        "{text}"
    );
    assert!(!text.contains("tomorrow"), "{text}");
}

#[test]
fn keys_with_the_zero_time_as_expiry_are_used() {
    let _clean = Clean::start();
    let (server, vault) = (server(), Vault::of("first"));
    *vault.0.expiry.lock().unwrap() = Some("0001-01-01T00:00:00Z");
    bucket::choose(vault.volume(&server));
    assert_eq!(reads("hello.txt".to_owned(), None).unwrap().1, "hello\n");
    assert_eq!(vault.calls(), 1);
}

/// Calls `writes`, whose keys are refused after its start, when the vault gives this.
fn write_with(key: &'static str) -> String {
    let (server, folder, vault) = (server(), shared(), Vault::of("first"));
    let volume = vault.volume(&server).retry_timeout(Duration::from_secs(3));
    let error = thread::scope(|scope| {
        let call = scope.spawn(|| {
            bucket::choose(volume);
            writes(folder.path().to_owned())
        });
        eventually("the body runs", || folder.path().join("begun").exists());
        server.revoke_key("first");
        vault.gives(key);
        fs::write(folder.path().join("go"), "").unwrap();
        call.join().unwrap()
    });
    assert_eq!(server.get(BUCKET, "new"), None);
    let text = format!("{:#}", anyhow::Error::new(error.unwrap_err()));
    assert_eq!(repeated(&text), None, "{text}");
    assert!(!text.contains("-hidden"), "{text}");
    // A user without a folder for them, as `nobody`, has no bytes kept.
    if let Some(rescued) = text.split("its bytes are kept in ").nth(1) {
        let rescued = rescued.split("/data/new").next().unwrap();
        fs::remove_dir_all(rescued).unwrap();
    }
    text
}

#[test]
fn a_function_that_fails_or_panics_is_named_with_its_place() {
    let _clean = Clean::start();
    for (key, reason) in [("", "the vault is sealed"), ("panic", "it panicked")] {
        let text = write_with(key);
        let start = "failed to get a secret from the function at tests/it/asked.rs:";
        assert!(text.contains(start) && text.contains(reason), "{text}");
    }
    let error = has_no_secret().unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Secret { .. }), "{error:?}");
    assert!(error.to_string().contains("the vault is sealed"), "{error}");
}

#[test]
fn a_function_that_takes_its_time_is_called_once_and_holds_up_nothing_else() {
    let _clean = Clean::start();
    let (server, folder, vault) = (server(), shared(), Vault::of("first"));
    let (release, released) = channel::<()>();
    let (slow, released) = (vault.clone(), Mutex::new(released));
    let secret = Secret::from_fn(move || {
        if slow.calls() > 0 {
            // An error: it was released.
            let _ = released.lock().unwrap().recv();
        }
        slow.lease()
    });
    bucket::choose(bucket::at(&server, BUCKET).secret(secret));
    let mut halves = in_two_halves(folder.path().to_owned());
    assert_eq!(halves.next().unwrap().unwrap().unwrap(), "hello\n");
    server.revoke_key("first");
    vault.gives("second");
    fs::write(folder.path().join("go"), "").unwrap();
    eventually("a request is refused", || {
        let requests = server.log().requests();
        requests.iter().any(|request| request.status == Some(403))
    });
    // Another call, with another vault.
    bucket::choose(Vault::of("second").volume(&server));
    assert_eq!(reads("hello.txt".to_owned(), None).unwrap().1, "hello\n");
    drop(release);
    assert_eq!(halves.next().unwrap().unwrap().unwrap(), "deep\n");
    assert!(halves.next().is_none());
    assert_eq!(vault.calls(), 2);
}

#[test]
fn uploads_of_a_killed_supervisor_are_aborted_with_keys_of_the_function() {
    let clean = Clean::start();
    let (server, vault) = (server(), Vault::of("first"));
    let volume = vault.volume(&server);
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            bucket::choose(volume);
            uploads()
        });
        eventually("an upload has begun", || {
            server.log().count(Operation::UploadPart) > 0
        });
        server.revoke_key("first");
        vault.gives("second");
        kill(process("stub-supervisor"), Signal::SIGKILL).unwrap();
        let error = call.join().unwrap().unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Lost { .. }), "{error:?}");
    });
    clean.settle();
    assert_eq!(server.incomplete_uploads(BUCKET), Vec::<String>::new());
}

#[test]
fn the_body_the_log_and_the_errors_show_no_value() {
    let _clean = Clean::start();
    let server = server();
    let mut command = act("asked::values_act");
    let (good, text) = output(tell(&mut command, &server).env("STUB_LOG", "trace"));
    assert!(good, "{text}");
    assert!(
        text.contains("reading keys"),
        "the log has nothing about keys: {text}"
    );
    assert!(!text.contains("-hidden"), "{text}");
}

#[test]
#[ignore = "run by another test"]
fn values_act() {
    let volume = crate::act::told(false);
    let descriptors_with = |secret: fn() -> io::Result<Vec<(&'static str, String)>>| {
        let secret = Secret::from_fn(secret);
        bucket::choose(volume.clone().secret(secret));
        let (variables, descriptors) = sees().unwrap();
        let token = variables.iter().find(|(name, _)| name == "TOKEN");
        assert_eq!(token.map(|(_, value)| value.as_str()), Some("hunter2"));
        for (name, value) in &variables {
            let is_key = name == "AWS_ACCESS_KEY_ID" || value.contains("-hidden");
            assert!(!is_key, "{name}");
        }
        descriptors
    };
    let vault = || {
        let expiry = Some("2020-01-31T12:00:00Z");
        let vault = Vault::of("first");
        *vault.0.expiry.lock().unwrap() = expiry;
        vault.lease()
    };
    let asked = descriptors_with(vault);
    let lease = Vault::of("first").lease().unwrap();
    bucket::choose(volume.secret(Secret::from_dict(lease)));
    let (_, plain) = sees().unwrap();
    assert_eq!(asked, plain, "the body has a descriptor more");
}
