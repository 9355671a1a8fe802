use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures_util::FutureExt;
use s3_local::{Policy, S3Local};

use super::*;
use crate::config::{Credentials, ReadKeys};
use crate::object::{BucketName, Key};
use crate::store::served::{BUCKET, connected};
use crate::store::{Store, StoreErrorKind};

/// Gives a mount the keys `first`, to be read again by `reader`.
pub(in super::super) fn read_keys_by(config: &mut MountConfig, reader: Arc<dyn ReadKeySource>) {
    config.credentials = Credentials::Static {
        access_key_id: "first".into(),
        secret_access_key: "secret".into(),
        session_token: None,
    };
    config.key_source = Some(KeySource::File("keys.env".into()));
    config.key_reader = Some(reader);
}

/// Place whose keys a test replaces.
#[derive(Debug, Default)]
struct RereadSource(Mutex<Option<&'static str>>);

impl ReadKeySource for RereadSource {
    fn read(&self, source: &KeySource) -> Result<ReadKeys, String> {
        assert_eq!(*source, KeySource::File("keys.env".into()));
        let key = self.0.lock().unwrap().ok_or("the file is gone")?;
        Ok(ReadKeys {
            access_key_id: key.into(),
            secret_access_key: "secret".into(),
            session_token: None,
            expires: None,
        })
    }
}

#[tokio::test]
async fn keys_of_a_secret_are_read_again_when_they_are_refused() {
    let server = ["first", "second"]
        .into_iter()
        .fold(S3Local::builder(), |builder, key| {
            builder.access_key(key, "secret", Policy::read_write(BUCKET))
        });
    let server = server.start();
    server.create_bucket(BUCKET);
    let place = Arc::new(RereadSource::default());
    let store = connected(&server, |config| {
        read_keys_by(config, place.clone());
        config.retry_timeout = Duration::from_mins(1);
    });
    let store = store.await;
    server.revoke_key("first");
    let head = tokio::spawn(async move { store.head(&Key::new("absent")).await });
    while server.log().requests().len() < 6 {
        tokio::task::yield_now().await;
    }
    *place.0.lock().unwrap() = Some("second");
    let error = head.await.unwrap().unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::NoSuchKey), "{error}");
}

#[tokio::test]
async fn keys_that_were_replaced_before_the_first_request_are_read_again() {
    let server = S3Local::builder().access_key("second", "secret", Policy::read_write(BUCKET));
    let server = server.start();
    server.create_bucket(BUCKET);
    let place = Arc::new(RereadSource(Mutex::new(Some("second"))));
    let store = connected(&server, |config| read_keys_by(config, place.clone())).await;
    assert!(store.head(&Key::new("absent")).await.is_err());
    assert!(server.log().count(s3_local::Operation::ListObjectsV2) == 2);
}

/// Place that answers when a test allows it.
#[derive(Debug)]
struct Slow {
    reads: AtomicUsize,
    allowed: Mutex<Receiver<Result<&'static str, String>>>,
}

impl ReadKeySource for Slow {
    fn read(&self, _: &KeySource) -> Result<ReadKeys, String> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let key = self.allowed.lock().unwrap().recv().unwrap()?;
        Ok(ReadKeys {
            access_key_id: key.into(),
            secret_access_key: "secret".into(),
            session_token: None,
            expires: None,
        })
    }
}

fn slow() -> (Reread, Arc<Slow>, Sender<Result<&'static str, String>>) {
    slow_since(None)
}

/// Returns keys that expire at this time, and their place.
fn slow_since(
    expires: Option<SystemTime>,
) -> (Reread, Arc<Slow>, Sender<Result<&'static str, String>>) {
    let (allow, allowed) = channel();
    let place = Arc::new(Slow {
        reads: AtomicUsize::new(0),
        allowed: Mutex::new(allowed),
    });
    let mut config = MountConfig::new(BucketName::new(BUCKET).unwrap());
    read_keys_by(&mut config, place.clone());
    config.keys_expire = expires;
    (Reread::of(&config).unwrap(), place, allow)
}

#[tokio::test]
async fn a_read_goes_on_and_is_shared_when_its_request_gives_up() {
    let (reread, place, allow) = slow();
    reread.refused(KeyHash::new("first", None));
    for _ in 0..3 {
        let given_up = tokio::spawn({
            let reread = reread.clone();
            async move { reread.load().await }
        });
        while place.reads.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
    }
    allow.send(Ok("second")).unwrap();
    // Another read would fail.
    drop(allow);
    // Read once, and good until they are refused.
    for _ in 0..2 {
        assert_eq!(reread.load().await.unwrap().access_key_id(), "second");
    }
    assert_eq!(place.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn keys_that_the_bucket_has_not_refused_outlive_a_read_that_fails() {
    let (reread, place, allow) = slow();
    let gone = || Err("the file is gone".to_owned());
    reread.refused(KeyHash::new("of a role", None));
    assert_eq!(reread.load().await.unwrap().access_key_id(), "first");
    assert_eq!(place.reads.load(Ordering::Relaxed), 0);
    reread.doubt();
    allow.send(gone()).unwrap();
    assert_eq!(reread.load().await.unwrap().access_key_id(), "first");
    reread.refused(KeyHash::new("first", None));
    allow.send(gone()).unwrap();
    let error = reread.load().await.unwrap_err();
    assert!(format!("{error:?}").contains("the file is gone"));
    assert_eq!(place.reads.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn keys_that_have_expired_are_read_again_unrefused_and_used_if_there_are_no_others() {
    let now = SystemTime::now();
    let (reread, place, allow) = slow_since(Some(now));
    allow.send(Err("the file is gone".to_owned())).unwrap();
    for _ in 0..2 {
        let keys = reread.load().await.unwrap();
        assert_eq!(keys.access_key_id(), "first");
        assert!(keys.expiry().unwrap() > now + SHORTEST, "asked later");
        assert_eq!(place.reads.load(Ordering::Relaxed), 1);
    }
    let (reread, place, allow) = slow_since(Some(now));
    allow.send(Ok("second")).unwrap();
    for _ in 0..2 {
        let keys = reread.load().await.unwrap();
        assert_eq!((keys.access_key_id(), keys.expiry()), ("second", None));
    }
    assert_eq!(place.reads.load(Ordering::Relaxed), 1);
    let (reread, place, _allow) = slow_since(Some(now + Duration::from_hours(1)));
    assert_eq!(reread.load().await.unwrap().access_key_id(), "first");
    assert_eq!(place.reads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn keys_that_are_still_valid_are_used_while_others_are_read() {
    let now = SystemTime::now();
    let (reread, place, allow) = slow_since(Some(now + Duration::from_hours(1)));
    reread.0.state().look = Some(now);
    for _ in 0..2 {
        let loaded = reread.load().now_or_never().expect("a load that waits");
        assert_eq!(loaded.unwrap().access_key_id(), "first");
    }
    allow.send(Ok("second")).unwrap();
    // Another read would fail.
    drop(allow);
    while reread.load().await.unwrap().access_key_id() == "first" {
        tokio::task::yield_now().await;
    }
    assert_eq!(place.reads.load(Ordering::Relaxed), 1);
    let (reread, place, allow) = slow_since(Some(now + Duration::from_hours(1)));
    reread.0.state().look = Some(now);
    reread.refused(KeyHash::new("first", None));
    allow.send(Ok("second")).unwrap();
    let keys = reread.load().await.unwrap();
    assert_eq!(keys.access_key_id(), "second", "refused ones are not used");
    assert_eq!(place.reads.load(Ordering::Relaxed), 1);
}
