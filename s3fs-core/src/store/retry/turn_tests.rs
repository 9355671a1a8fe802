//! Turns of requests while the request rate of their server is limited.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::{Either, join_all, select};
use futures_util::{FutureExt, poll};

use super::{Retrying, Throttle, limited};
use crate::object::{Headers, Key};
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::memory::MemoryStore;
use crate::store::warning::seen::Warnings;
use crate::store::{Body, Precondition, Store, StoreErrorKind};

/// Requests that have reached the store, in order.
#[derive(Debug, Default)]
struct Sent(Mutex<Vec<Operation>>);

impl Sent {
    /// Returns the number of requests for headers.
    fn heads(&self) -> usize {
        let sent = self.0.lock().unwrap();
        let heads = sent.iter().filter(|sent| **sent == Operation::Head);
        heads.count()
    }
}

#[async_trait]
impl Disturbance for Sent {
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        self.0.lock().unwrap().push(operation);
        Ok(())
    }

    async fn after(&self, _: Operation) -> Result<(), StoreErrorKind> {
        Ok(())
    }
}

type Mount = Retrying<Disturbed<MemoryStore, Sent>>;

/// Returns two mounts of a server that takes a few requests a second.
fn mounts() -> ([Mount; 2], Arc<Sent>) {
    let memory = MemoryStore::with_min_part(1);
    memory.insert("k", "x");
    let (sent, throttle) = (Arc::<Sent>::default(), Arc::<Throttle>::default());
    let mounts = limited::mounts(&memory, &sent, &throttle);
    limited::refuse(&throttle);
    (mounts, sent)
}

async fn put(store: &Mount) {
    let (key, headers) = (Key::new("written"), Headers::default());
    let body = Body::memory(Bytes::from_static(b"x"));
    let put = store.put(&key, body, &headers, &Precondition::None);
    put.await.unwrap();
}

/// Puts an object with `writer` while 64 reads of `reader` wait. Returns the number of reads sent
/// until then.
async fn reads_before_a_put(reader: &Mount, writer: &Mount, sent: &Sent) -> usize {
    let key = Key::new("k");
    let mut reads = join_all((0..64).map(|_| reader.head(&key))).boxed();
    assert!(poll!(&mut reads).is_pending());
    let mut put = put(writer).boxed();
    assert!(poll!(&mut put).is_pending(), "it waits for its turn, too");
    match select(put, reads).await {
        Either::Left(_) => sent.heads(),
        Either::Right(_) => panic!("all reads came first"),
    }
}

#[tokio::test]
async fn mounts_of_a_limited_server_take_turns() {
    let ([one, other], sent) = mounts();
    let reads = reads_before_a_put(&one, &other, &sent).await;
    assert!(reads < 5, "{reads}");
}

#[tokio::test]
async fn reads_that_wait_hold_up_no_writes() {
    let ([one, _], sent) = mounts();
    let reads = reads_before_a_put(&one, &one, &sent).await;
    assert!(reads < 5, "{reads}");
}

#[tokio::test]
async fn an_upload_is_aborted_at_once_while_others_wait() {
    let ([one, other], sent) = mounts();
    let key = Key::new("k");
    let upload = other
        .create_upload(&key, &Headers::default())
        .await
        .unwrap();
    let mut reads = join_all((0..64).map(|_| one.head(&key))).boxed();
    assert!(poll!(&mut reads).is_pending());
    let reads = sent.heads();
    other.abort_upload(&key, &upload).await.unwrap();
    assert_eq!(sent.heads(), reads);
    let aborted = other.uploads(&key).now_or_never();
    assert!(aborted.unwrap().unwrap().is_empty());
}

#[tokio::test]
async fn a_request_that_waits_long_for_its_turn_is_warned_of_with_its_key() {
    let ([mount, _], _) = mounts();
    let mount = Retrying {
        warn_after: Duration::ZERO,
        ..mount
    };
    let (warnings, _guard) = Warnings::begin();
    let key = Key::new("k");
    for answer in join_all((0..2).map(|_| mount.head(&key))).await {
        answer.unwrap();
    }
    let warnings = warnings.texts();
    let object = mount.uri(&key);
    let expected =
        format!("waiting for 0 s, as the server asks for fewer requests: HeadObject {object}");
    assert_eq!(warnings, [expected]);
}
