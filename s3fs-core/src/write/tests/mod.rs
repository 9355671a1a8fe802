//! Tests of written files, without a file system: sequences of changes compared with an array of
//! bytes, failures, and the number of requests of each case.

#![allow(
    clippy::unwrap_used,
    reason = "what a test expects to succeed is unwrapped"
)]

mod buffer;
mod copies;
mod costs;
mod failures;
mod interrupts;
mod model;
mod op;
mod zeros;

use std::sync::{Arc, Mutex};

use crate::budget::Budget;
use crate::object::{ByteRange, Headers, Key, ObjectRef};
use crate::store::memory::MemoryStore;
use crate::store::{Precondition, Store};
use crate::write::{
    Destination, Endings, FindDestination, Interrupts, PartPool, Piece, Reading, Stages, Stored,
    Target, Unsent, WriteError, Writer, ZeroSources,
};

/// Size of a first part in these tests. The smallest part has 40 bytes; copies have at most 4096.
const FIRST_PART: u64 = 64;

/// Creates a bucket for parts of these sizes.
fn bucket() -> MemoryStore {
    MemoryStore::with_min_part(FIRST_PART * 5 / 8)
}

fn target(store: Arc<dyn Store>, budget: u64, stages: &Stages) -> Target {
    Target {
        store,
        budget: Budget::new(budget),
        pool: PartPool::with_first_part(FIRST_PART),
        stages: stages.clone(),
        endings: Endings::default(),
        zeros: ZeroSources::default(),
        interrupts: Interrupts::default(),
        unsent: Unsent::default(),
    }
}

/// Destination of a test's file.
#[derive(Debug)]
struct Somewhere {
    destination: Mutex<Option<Destination>>,
    /// True if the version stored last must still be there.
    is_strict: bool,
}

impl Somewhere {
    fn new(key: &str, is_strict: bool) -> Arc<Self> {
        let destination = Destination {
            key: Key::new(key),
            headers: Headers::default(),
            precondition: if is_strict {
                Precondition::Absent
            } else {
                Precondition::None
            },
        };
        Arc::new(Self {
            destination: Mutex::new(Some(destination)),
            is_strict,
        })
    }

    fn change(&self, act: impl FnOnce(&mut Destination)) {
        act(self.destination.lock().unwrap().as_mut().unwrap());
    }

    fn key(&self) -> Key {
        self.destination().unwrap().key
    }
}

impl FindDestination for Somewhere {
    fn destination(&self) -> Option<Destination> {
        self.destination.lock().unwrap().clone()
    }

    fn stored(&self, stored: &Stored) {
        if self.is_strict {
            self.change(|to| to.precondition = Precondition::Is(stored.etag.clone()));
        }
    }
}

async fn object(store: &MemoryStore, key: &Key) -> ObjectRef {
    let meta = store.head(key).await.unwrap().meta;
    ObjectRef {
        key: key.clone(),
        etag: meta.etag,
        size: meta.size,
    }
}

/// Returns the bytes of the pieces.
async fn bytes(store: &MemoryStore, pieces: &[Piece]) -> Vec<u8> {
    let mut all = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => all.extend_from_slice(bytes),
            Piece::Zeros(length) => all.resize(all.len() + *length as usize, 0),
            Piece::Object {
                object: of,
                offset,
                length,
            } => {
                assert_eq!(object(store, &of.key).await, **of, "that version is there");
                let whole = &store.objects()[of.key.as_str()];
                all.extend_from_slice(&whole[*offset as usize..(offset + length) as usize]);
            }
        }
    }
    all
}

/// Reads bytes of a file; none if the range is empty.
async fn read(writer: &Writer, at: u64, length: u64) -> Result<Reading, WriteError> {
    match ByteRange::at(at, length) {
        Some(range) => writer.read(range).await,
        None => Ok(Reading::Pieces(Vec::new())),
    }
}

/// Returns bytes of a file, if they can be read without storing it.
async fn try_read(store: &MemoryStore, writer: &Writer, at: u64, length: u64) -> Option<Vec<u8>> {
    match read(writer, at, length).await.unwrap() {
        Reading::Pieces(pieces) => Some(bytes(store, &pieces).await),
        Reading::NotReadable => None,
    }
}
