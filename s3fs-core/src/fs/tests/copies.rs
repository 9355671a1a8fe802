//! Copies of a failed rename while another client changes the same names.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::fs::NotStored;
use crate::fs::tests::kernel::Kernel;
use crate::fs::tests::{bucket, mount};
use crate::store::StoreErrorKind;
use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::faulty::{Fault, Faults};
use crate::store::memory::MemoryStore;

/// Time of another client's action: before the server has a copy made, or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Request,
    Answer,
}

type Action = Box<dyn FnOnce(&MemoryStore) -> Result<(), StoreErrorKind> + Send>;

struct Planned {
    at: At,
    /// Number of copies before.
    after: usize,
    act: Action,
}

/// Has another client act once while copies are made.
struct Meanwhile {
    memory: MemoryStore,
    planned: Mutex<Option<Planned>>,
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Meanwhile {
    fn plan(
        &self,
        at: At,
        after: usize,
        act: impl FnOnce(&MemoryStore) -> Result<(), StoreErrorKind> + Send + 'static,
    ) {
        let act = Box::new(act);
        *self.planned.lock().unwrap() = Some(Planned { at, after, act });
    }

    fn act(&self, at: At, operation: Operation) -> Result<(), StoreErrorKind> {
        let mut planned = self.planned.lock().unwrap();
        match &mut *planned {
            Some(plan) if operation == Operation::Copy && plan.at == at => {
                if plan.after > 0 {
                    plan.after -= 1;
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
        planned
            .take()
            .map_or(Ok(()), |plan| (plan.act)(&self.memory))
    }
}

#[async_trait]
impl Disturbance for Meanwhile {
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        self.act(At::Request, operation)
    }

    async fn after(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        self.act(At::Answer, operation)
    }
}

async fn shared() -> (MemoryStore, Arc<Meanwhile>, Kernel) {
    let memory = bucket();
    let disturbance = Arc::new(Meanwhile {
        memory: memory.clone(),
        planned: Mutex::new(None),
    });
    let store = Disturbed {
        store: memory.clone(),
        disturbance: Arc::clone(&disturbance),
    };
    let kernel = mount(Arc::new(store)).await;
    // The first deletion is waited for.
    kernel.save("first", b"x").await.unwrap();
    kernel.unlink("first").await.unwrap();
    kernel.settle().await.unwrap();
    (memory, disturbance, kernel)
}

/// Mounts a bucket with the folder `d`, in which deletions have been allowed.
async fn folder_of_three() -> (MemoryStore, Arc<Faults>, Kernel) {
    let memory = bucket();
    let (store, faults) = Faults::over(memory.clone());
    let kernel = mount(store).await;
    kernel.save("first", b"x").await.unwrap();
    kernel.unlink("first").await.unwrap();
    kernel.settle().await.unwrap();
    for name in ["d/1", "d/2", "d/3"] {
        memory.insert(name, name);
    }
    kernel.expire();
    (memory, faults, kernel)
}

fn keys(memory: &MemoryStore) -> Vec<String> {
    memory.objects().into_keys().collect()
}

fn objects(left: &[NotStored]) -> Vec<&str> {
    left.iter().map(|left| left.object.as_str()).collect()
}

#[tokio::test]
async fn another_clients_object_of_the_new_name_stays_when_a_renaming_fails() {
    for at in [At::Request, At::Answer] {
        let (memory, meanwhile, kernel) = shared().await;
        kernel.save("f", b"our 7 B").await.unwrap();
        kernel.settle().await.unwrap();
        meanwhile.plan(at, 0, |memory| {
            memory.insert("g", "their 7");
            Err(StoreErrorKind::TimedOut)
        });
        kernel.rename("f", "g").await.unwrap_err();
        assert_eq!(kernel.load("f").await.unwrap(), "our 7 B");
        assert_eq!(kernel.fs.finish().await, [], "{at:?}");
        assert_eq!(memory.objects()["g"], "their 7", "{at:?}");
        assert_eq!(memory.objects()["f"], "our 7 B", "{at:?}");
    }
}

#[tokio::test]
async fn a_copy_whose_source_is_gone_stays_and_is_named() {
    let (memory, meanwhile, kernel) = shared().await;
    kernel.save("f", b"content").await.unwrap();
    kernel.settle().await.unwrap();
    // Another client deletes it, or gives it the same name.
    meanwhile.plan(At::Answer, 0, |memory| {
        memory.remove("f");
        Err(StoreErrorKind::TimedOut)
    });
    kernel.rename("f", "g").await.unwrap_err();
    let left = kernel.fs.finish().await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].object, "s3://memory/g");
    assert_eq!(memory.objects()["g"], "content");
}

#[tokio::test]
async fn a_folder_that_two_clients_give_the_same_name_is_not_lost() {
    let (memory, meanwhile, kernel) = shared().await;
    for name in ["d/1", "d/2", "d/3"] {
        memory.insert(name, name);
    }
    kernel.expire();
    meanwhile.plan(At::Request, 2, |memory| {
        for n in ["1", "2", "3"] {
            memory.insert(&format!("e/{n}"), format!("d/{n}"));
            memory.remove(&format!("d/{n}"));
        }
        Ok(())
    });
    kernel.rename("d", "e").await.unwrap_err();
    kernel.fs.finish().await;
    assert_eq!(keys(&memory), ["e/1", "e/2", "e/3"]);
}

#[tokio::test]
async fn another_clients_object_below_a_new_folder_stays_when_a_renaming_fails() {
    for kind in [
        StoreErrorKind::TimedOut,
        StoreErrorKind::AccessDenied("by the test".into()),
    ] {
        let (memory, meanwhile, kernel) = shared().await;
        for name in ["d/1", "d/2", "d/3"] {
            memory.insert(name, name);
        }
        kernel.expire();
        meanwhile.plan(At::Request, 2, |memory| {
            // One was copied before, the other one may be.
            memory.insert("e/1", "theirs");
            memory.insert("e/3", "theirs");
            Err(kind)
        });
        kernel.rename("d", "e").await.unwrap_err();
        assert_eq!(kernel.fs.finish().await, []);
        assert_eq!(keys(&memory), ["d/1", "d/2", "d/3", "e/1", "e/3"]);
        assert_eq!(memory.objects()["e/1"], "theirs");
    }
}

#[tokio::test]
async fn a_copy_without_an_answer_stays_and_is_named() {
    let (memory, meanwhile, kernel) = shared().await;
    kernel.save("f", b"content").await.unwrap();
    kernel.settle().await.unwrap();
    // It may as well be another client's file of the same bytes and time, whose source is deleted.
    meanwhile.plan(At::Answer, 0, |_| Err(StoreErrorKind::TimedOut));
    kernel.rename("f", "g").await.unwrap_err();
    kernel.expire();
    assert_eq!(kernel.load("f").await.unwrap(), "content");
    assert_eq!(kernel.load("g").await.unwrap(), "content");
    assert_eq!(objects(&kernel.fs.finish().await), ["s3://memory/g"]);
    assert_eq!(keys(&memory), ["f", "g"]);
}

#[tokio::test]
async fn a_copy_below_a_folder_without_an_answer_stays_and_is_named() {
    let (memory, meanwhile, kernel) = shared().await;
    for name in ["d/1", "d/2", "d/3"] {
        memory.insert(name, name);
    }
    kernel.expire();
    meanwhile.plan(At::Answer, 1, |_| Err(StoreErrorKind::TimedOut));
    kernel.rename("d", "e").await.unwrap_err();
    assert_eq!(objects(&kernel.fs.finish().await), ["s3://memory/e/2"]);
    assert_eq!(keys(&memory), ["d/1", "d/2", "d/3", "e/2"]);
}

#[tokio::test]
async fn a_copy_that_the_server_may_make_later_is_named_and_goes_with_its_name() {
    let (memory, meanwhile, kernel) = shared().await;
    kernel.save("f", b"content").await.unwrap();
    kernel.settle().await.unwrap();
    meanwhile.plan(At::Request, 0, |_| Err(StoreErrorKind::TimedOut));
    kernel.rename("f", "g").await.unwrap_err();
    assert_eq!(objects(&kernel.fs.not_stored()), ["s3://memory/g"]);
    // A new file gets the name, and the server carries out the late request.
    let writer = kernel.create("g", false).await.unwrap();
    memory.insert("g", "content");
    kernel.unlink("g").await.unwrap();
    kernel.release(writer);
    assert_eq!(kernel.fs.finish().await, []);
    assert_eq!(keys(&memory), ["f"]);
}

#[tokio::test]
async fn another_clients_object_of_the_same_bytes_stays_when_a_renaming_fails() {
    let (memory, meanwhile, kernel) = shared().await;
    kernel.mkdir("d").await.unwrap();
    for name in ["d/1", "d/2", "d/3"] {
        kernel.save(name, b"").await.unwrap();
    }
    kernel.settle().await.unwrap();
    // The marker and two files were copied before.
    meanwhile.plan(At::Request, 3, |memory| {
        memory.insert("e/1", "");
        Err(StoreErrorKind::AccessDenied("by the test".into()))
    });
    kernel.rename("d", "e").await.unwrap_err();
    assert_eq!(objects(&kernel.fs.finish().await), ["s3://memory/e/1"]);
    assert_eq!(keys(&memory), ["d/", "d/1", "d/2", "d/3", "e/1"]);
}

#[tokio::test]
async fn after_a_request_without_an_answer_the_other_copies_are_named_without_asking() {
    for silent in [Operation::Head, Operation::Delete] {
        let (memory, faults, kernel) = folder_of_three().await;
        faults.next(Operation::Copy, Fault::Refused);
        faults.next(silent, Fault::NotReached);
        kernel.rename("d", "e").await.unwrap_err();
        let left = kernel.fs.finish().await;
        assert_eq!(objects(&left).len(), 2, "{left:?}");
        assert_eq!(keys(&memory).len(), 5);
    }
}

#[tokio::test]
async fn after_a_deletion_without_an_answer_the_other_old_keys_are_named_without_asking() {
    let (memory, faults, kernel) = folder_of_three().await;
    faults.next(Operation::Delete, Fault::NotReached);
    kernel.rename("d", "e").await.unwrap();
    let left = kernel.fs.finish().await;
    let old = ["s3://memory/d/1", "s3://memory/d/2", "s3://memory/d/3"];
    assert_eq!(objects(&left), old);
    assert_eq!(keys(&memory), ["d/1", "d/2", "d/3", "e/1", "e/2", "e/3"]);
}
