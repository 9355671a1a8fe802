//! Buffers in memory and in files.

use std::sync::Arc;

use crate::budget::Budget;
use crate::store::memory::MemoryStore;
use crate::store::{Body, Content};
use crate::write::buffer::PartBuffer;
use crate::write::endings::Endings;
use crate::write::interrupts::Interrupts;
use crate::write::pool::PartPool;
use crate::write::stage::{Stages, read};
use crate::write::target::Target;
use crate::write::unsent::Unsent;
use crate::write::zeros::ZeroSources;

fn target(budget: u64) -> Arc<Target> {
    Arc::new(Target {
        store: Arc::new(MemoryStore::default()),
        budget: Budget::new(budget),
        pool: PartPool::default(),
        stages: Stages::default(),
        endings: Endings::default(),
        zeros: ZeroSources::default(),
        interrupts: Interrupts::default(),
        unsent: Unsent::default(),
    })
}

fn bytes(body: &Body) -> Vec<u8> {
    match body.content() {
        Content::Memory(bytes) => bytes.to_vec(),
        Content::File {
            file,
            offset,
            length,
        } => read(file, *offset, *length).unwrap().to_vec(),
    }
}

#[test]
fn writes_land_where_they_are_put_in_memory_and_in_a_file() {
    for budget in [8 << 20, 0] {
        let mut buffer = PartBuffer::new(&target(budget));
        buffer.write_at(0, b"hello").unwrap();
        buffer.write_at(7, b"world").unwrap();
        buffer.write_at(1, b"a").unwrap();
        assert_eq!(&buffer.read_at(3, 100).unwrap()[..], b"lo\0\0world");
        buffer.resize(9).unwrap();
        buffer.zero(7, 1).unwrap();
        assert_eq!(bytes(&buffer.body().unwrap()), b"hallo\0\0\0o");
        buffer.resize(10).unwrap();
        assert_eq!(bytes(&buffer.body().unwrap()), b"hallo\0\0\0o\0");
    }
}

#[test]
fn a_body_stays_as_it_was_when_its_buffer_changes() {
    for budget in [8 << 20, 0] {
        let mut buffer = PartBuffer::new(&target(budget));
        buffer.write_at(0, b"before").unwrap();
        let body = buffer.body().unwrap();
        let clone = buffer.clone();
        buffer.write_at(0, b"after!").unwrap();
        assert_eq!(bytes(&body), b"before");
        assert_eq!(bytes(&clone.body().unwrap()), b"before");
        assert_eq!(bytes(&buffer.body().unwrap()), b"after!");
    }
}

#[test]
fn a_buffer_that_finds_no_memory_goes_to_a_file_with_what_it_has() {
    let target = target(1 << 20);
    let mut buffer = PartBuffer::new(&target);
    buffer.write_at(0, &[1; 1000]).unwrap();
    buffer.write_at(1000, &vec![2; 2 << 20]).unwrap();
    assert!(!buffer.is_in_memory());
    let free = target.budget.try_take(1 << 20);
    assert!(free.is_some(), "its memory went back");
    assert_eq!(target.stages.used(), 1000 + (2 << 20));
    let all = bytes(&buffer.body().unwrap());
    assert_eq!((all[999], all[1000], all.len()), (1, 2, 1000 + (2 << 20)));
    drop(buffer);
    assert_eq!(target.stages.used(), 0);
}

#[test]
fn small_files_take_little_of_the_budget() {
    let target = target(64 << 20);
    let small: Vec<_> = (0..700)
        .map(|_| {
            let mut buffer = PartBuffer::new(&target);
            buffer.write_at(0, &[1; 16 << 10]).unwrap();
            buffer
        })
        .collect();
    assert!(small.iter().all(PartBuffer::is_in_memory));
}
