#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use std::{slice, thread};

use s3fs_core::{BucketName, KeySource, MountConfig, ReadKeySource, ReadKeys};

use super::asker::Asker;
use super::{Answers, reader};
use crate::declare::{CloudBucketMount, Secret};
use crate::protocol::Channel;

const EVER: Duration = Duration::from_hours(1);

fn keys(id: &str) -> [(&'static str, String); 2] {
    [
        ("AWS_ACCESS_KEY_ID", id.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "hidden".to_owned()),
    ]
}

/// Function that returns when a test allows it, and the number of its calls.
fn slow() -> (MountConfig, Sender<&'static str>, Arc<AtomicUsize>) {
    let (allow, allowed): (_, Receiver<&'static str>) = channel();
    let (calls, allowed) = (Arc::new(AtomicUsize::new(0)), Mutex::new(allowed));
    let counted = Arc::clone(&calls);
    allow.send("first").unwrap();
    let secret = Secret::from_fn(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        allowed.lock().unwrap().recv().map(keys)
    });
    let volume = CloudBucketMount::new("data").secret(secret);
    (volume.into_config().unwrap(), allow, calls)
}

/// Returns readers of the volumes in another process, whose caller has their functions.
fn readers(mounts: &[MountConfig], limit: Duration) -> Vec<Arc<dyn ReadKeySource>> {
    readers_of(Answers::of(mounts.iter()).unwrap(), mounts, limit)
}

fn readers_of(
    answers: Answers,
    mounts: &[MountConfig],
    limit: Duration,
) -> Vec<Arc<dyn ReadKeySource>> {
    let asker = Asker::limited(answers.start().unwrap(), limit).unwrap();
    let mounts = mounts.iter().enumerate();
    mounts
        .map(|(volume, mount)| reader(mount, volume, Some(&asker)))
        .collect()
}

fn read(reader: &dyn ReadKeySource, mount: &MountConfig) -> Result<ReadKeys, String> {
    reader.read(mount.key_source.as_ref().unwrap())
}

fn fails(keys: Result<ReadKeys, String>) -> String {
    keys.err().unwrap()
}

#[test]
fn volumes_get_the_keys_of_their_own_functions() {
    let [(one, allow_one, _), (other, allow_other, _)] = [slow(), slow()];
    let file = MountConfig {
        key_source: Some(KeySource::File("/nonexistent/keys.env".into())),
        ..MountConfig::new(BucketName::new("data").unwrap())
    };
    let mounts = [one, file, other];
    let readers = readers(&mounts, EVER);
    thread::scope(|scope| {
        let waits = scope.spawn(|| read(&*readers[0], &mounts[0]).unwrap().access_key_id);
        // Asked later, answered before.
        allow_other.send("other").unwrap();
        let keys = read(&*readers[2], &mounts[2]).unwrap();
        assert_eq!((keys.access_key_id.as_str(), keys.expires), ("other", None));
        allow_one.send("one").unwrap();
        assert_eq!(waits.join().unwrap(), "one");
    });
    let text = fails(read(&*readers[1], &mounts[1]));
    assert_eq!(
        text,
        "failed to read `/nonexistent/keys.env`: No such file or directory (os error 2)"
    );
    assert!(Answers::of(mounts[1..2].iter()).is_none());
}

#[test]
fn a_function_that_hangs_is_an_error_with_its_place_and_is_not_called_beside_itself() {
    let (mount, allow, calls) = slow();
    let short = Duration::from_millis(1);
    let mounts = [mount];
    let readers = readers(&mounts, short);
    for _ in 0..3 {
        let text = fails(read(&*readers[0], &mounts[0]));
        let place = text
            .strip_prefix("failed to get a secret from the function at ")
            .unwrap();
        assert!(place.starts_with(file!()), "{text}");
        assert!(text.ends_with(": it has not returned within 1ms"), "{text}");
    }
    while calls.load(Ordering::Relaxed) < 2 {
        thread::yield_now();
    }
    assert_eq!(
        calls.load(Ordering::Relaxed),
        2,
        "the first one and the one that hangs"
    );
    // The answer of a call that returns at last, or of the next one.
    let late = loop {
        let _ = allow.send("late");
        if let Ok(keys) = read(&*readers[0], &mounts[0]) {
            break keys;
        }
    };
    assert_eq!(late.access_key_id, "late");
}

#[test]
fn a_function_that_hangs_is_not_called_beside_itself_for_another_process() {
    let [(one, _allow, _), (other, allow, calls)] = [slow(), slow()];
    let mounts = [one, other];
    let answers = Answers::of(mounts.iter()).unwrap();
    let supervisor = readers_of(answers.clone(), &mounts, Duration::from_millis(1));
    let text = fails(read(&*supervisor[1], &mounts[1]));
    assert!(text.ends_with(": it has not returned within 1ms"), "{text}");
    // A sweeper has some of the volumes, with other indices.
    let swept = &mounts[1..];
    let sweeper = readers_of(answers.only([1].into_iter()).unwrap(), swept, EVER);
    while calls.load(Ordering::Relaxed) < 2 {
        thread::yield_now();
    }
    let keys = thread::scope(|scope| {
        let waits = scope.spawn(|| read(&*sweeper[0], &swept[0]).unwrap());
        // Another call would take the key, and there is but one.
        while answers.waiting(1) < 2 && calls.load(Ordering::Relaxed) < 3 {
            thread::yield_now();
        }
        allow.send("late").unwrap();
        waits.join().unwrap()
    });
    assert_eq!(keys.access_key_id, "late");
    assert_eq!(calls.load(Ordering::Relaxed), 2, "the first and that one");
}

/// Place whose keys no message can hold: their time is before 1970.
#[derive(Debug)]
struct Ancient;

impl ReadKeySource for Ancient {
    fn read(&self, _: &KeySource) -> Result<ReadKeys, String> {
        Ok(ReadKeys {
            access_key_id: "ancient".to_owned(),
            secret_access_key: "hidden".to_owned(),
            session_token: None,
            expires: Some(SystemTime::UNIX_EPOCH - Duration::from_secs(1)),
        })
    }
}

#[test]
fn keys_that_no_message_can_hold_are_an_error_and_not_a_wait() {
    let mount = MountConfig {
        key_source: Some(KeySource::Function {
            place: "main.rs".to_owned(),
        }),
        key_reader: Some(Arc::new(Ancient)),
        ..MountConfig::new(BucketName::new("data").unwrap())
    };
    let readers = readers(slice::from_ref(&mount), Duration::from_secs(20));
    let text = fails(read(&*readers[0], &mount));
    assert_eq!(
        text,
        "failed to send keys: SystemTime must be later than UNIX_EPOCH"
    );
}

#[test]
fn a_caller_that_is_gone_is_an_error() {
    let (mount, _allow, calls) = slow();
    let (ours, theirs) = Channel::pair().unwrap();
    let asker = Asker::limited(theirs, EVER).unwrap();
    let reader = reader(&mount, 0, Some(&asker));
    let waits = thread::scope(|scope| {
        let waits = scope.spawn(|| fails(read(&*reader, &mount)));
        ours.receive::<crate::protocol::AskKeys>().unwrap();
        drop(ours);
        waits.join().unwrap()
    });
    assert!(waits.ends_with(": its process has ended"), "{waits}");
    assert_eq!(fails(read(&*reader, &mount)), waits);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let unasked = super::reader(&mount, 0, None);
    let text = fails(read(&*unasked, &mount));
    assert!(
        text.ends_with(": only its own process can call it"),
        "{text}"
    );
}
