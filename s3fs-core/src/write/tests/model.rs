//! Random sequences of changes, compared with an array of bytes.

use std::sync::Arc;

use proptest::prelude::*;

use super::op::{Op, SOURCES, op, pattern};
use super::{FIRST_PART, Somewhere, bucket, bytes, object, read, target, try_read};
use crate::object::{Key, ObjectRef};
use crate::store::disturbed::Disturbed;
use crate::store::faulty::{Faults, Faulty};
use crate::store::memory::MemoryStore;
use crate::store::slow::{Delays, Slow};
use crate::store::{CopiedHeaders, Precondition, Store};
use crate::write::{FindDestination, Reading, Stages, Stored, WriteError, Writer};

/// Conditions of a run.
#[derive(Clone, Copy, Debug)]
struct Conditions {
    budget: u64,
    has_faults: bool,
    /// Limit on bytes in temporary files, if it may be reached.
    limit: Option<u64>,
    /// Seed of the delays of requests.
    seed: u64,
}

struct Run {
    memory: MemoryStore,
    store: Arc<Faulty<Slow<MemoryStore>>>,
    faults: Arc<Faults>,
    stages: Stages,
    conditions: Conditions,
    at: Arc<Somewhere>,
    writer: Writer,
    /// Expected bytes; `None` where a byte is lost.
    model: Vec<Option<u8>>,
    is_orphan: bool,
    step: usize,
    /// Number of failures since the last success.
    failures: usize,
}

impl Run {
    fn new(conditions: Conditions) -> Self {
        let memory = bucket();
        for (index, (key, size)) in SOURCES.iter().enumerate() {
            memory.insert(key, pattern(index + 100, *size));
        }
        let (_, disturbance) = Delays::over(memory.clone(), conditions.seed);
        let (store, faults) = Faults::over(Disturbed {
            store: memory.clone(),
            disturbance,
        });
        let stages = Stages::new(std::env::temp_dir(), conditions.limit.unwrap_or(u64::MAX));
        // An answer that was lost leaves a version that the file did not ask for.
        let at = Somewhere::new("f/0", !conditions.has_faults);
        let place: Arc<dyn FindDestination> = at.clone();
        let writer = Writer::create(target(store.clone(), conditions.budget, &stages), place);
        Self {
            memory,
            store,
            faults,
            stages,
            conditions,
            at,
            writer,
            model: Vec::new(),
            is_orphan: false,
            step: 0,
            failures: 0,
        }
    }

    async fn step(&mut self, op: Op) {
        self.step += 1;
        // As a file system stores the time of a change.
        let time = self.step.to_string();
        self.at.change(|to| {
            to.headers.metadata.insert("mtime".into(), time);
        });
        match op {
            Op::Write(at, length) => self.write(at, length).await,
            Op::Append(length) => self.write(self.writer.length(), length).await,
            Op::Resize(length) => self.resize(length).await,
            Op::Punch(at, length) => self.punch(at, length).await,
            Op::CopyRange(at, of, from, length) => self.copy_range(at, of, from, length).await,
            Op::CopyAll(of) => {
                self.resize(0).await;
                self.copy_range(0, of, 0, u64::MAX).await;
            }
            Op::Read(at, length) => self.read(at, length).await,
            Op::Store => self.store().await,
            Op::Touch => self.writer.touch().await,
            Op::Rename(name) => self.rename(name).await,
            Op::Reopen => self.reopen().await,
            Op::Orphan => self.orphan().await,
            Op::Fault(operation, fault) => {
                if self.conditions.has_faults {
                    self.faults.next(operation, fault);
                }
            }
        }
        assert_eq!(self.writer.length(), self.model.len() as u64);
    }

    /// Returns whether a change was made; `None` if it must be retried. Failures pass after enough
    /// retries, except for lack of space.
    fn is_done(&mut self, done: Result<(), WriteError>) -> Option<bool> {
        self.failures += 1;
        match done {
            Ok(()) => {
                self.failures = 0;
                Some(true)
            }
            Err(WriteError::NoSpace) if self.conditions.limit.is_some() => Some(false),
            Err(WriteError::Store(_)) if self.conditions.has_faults && self.failures < 100 => None,
            Err(error) => panic!("{error}"),
        }
    }

    async fn write(&mut self, at: u64, length: usize) {
        let data = pattern(self.step, length);
        let done = loop {
            let done = match self.writer.try_write(at, &data) {
                Ok(false) => self.writer.write(at, &data).await,
                tried => tried.map(drop),
            };
            if let Some(done) = self.is_done(done) {
                break done;
            }
        };
        let mut after = self.model.clone();
        let (at, end) = (at as usize, at as usize + length);
        after.resize(after.len().max(end), Some(0));
        for (byte, data) in after[at..end].iter_mut().zip(data) {
            *byte = Some(data);
        }
        if done {
            self.model = after;
        } else {
            self.written_in_part(&after, at..end).await;
        }
    }

    /// Updates the model after a write that ran out of space: any number of its first bytes may
    /// have been written.
    async fn written_in_part(&mut self, after: &[Option<u8>], range: std::ops::Range<usize>) {
        let length = self.writer.length() as usize;
        assert!(length >= self.model.len() && length <= self.model.len().max(range.end));
        self.model.resize(length, Some(0));
        for index in range {
            let Some(was) = self.model.get(index).copied() else {
                break;
            };
            if was == after[index] {
                continue;
            }
            match read(&self.writer, index as u64, 1).await {
                Ok(Reading::Pieces(pieces)) => {
                    let now = Some(bytes(&self.memory, &pieces).await[0]);
                    assert!(now == after[index] || now == was, "{index}");
                    self.model[index] = now;
                }
                // Only what was written can have been sent.
                Ok(Reading::NotReadable) => self.model[index] = after[index],
                Err(error) => assert!(was.is_none(), "{error}"),
            }
        }
    }

    async fn resize(&mut self, length: u64) {
        let done = loop {
            let done = self.writer.resize(length).await;
            if let Some(done) = self.is_done(done) {
                break done;
            }
        };
        if done {
            self.model.resize(length as usize, Some(0));
        }
    }

    async fn punch(&mut self, at: u64, length: u64) {
        let done = loop {
            let done = self.writer.punch(at, length).await;
            if let Some(done) = self.is_done(done) {
                break done;
            }
        };
        if done {
            let end = ((at + length) as usize).min(self.model.len());
            let at = (at as usize).min(end);
            self.model[at..end].fill(Some(0));
        }
    }

    async fn copy_range(&mut self, at: u64, of: usize, from: u64, length: u64) {
        let source = object(&self.memory, &Key::new(SOURCES[of].0)).await;
        let from = from.min(source.size);
        let length = length.min(source.size - from);
        let source = Arc::new(source);
        let done = loop {
            let copying = self
                .writer
                .copy_range(at, Arc::clone(&source), from, length);
            if let Some(done) = self.is_done(copying.await) {
                break done;
            }
        };
        if done && length > 0 {
            let (at, end) = (at as usize, (at + length) as usize);
            self.model.resize(self.model.len().max(end), Some(0));
            let all = &self.memory.objects()[SOURCES[of].0];
            let copied = &all[from as usize..(from + length) as usize];
            for (byte, copied) in self.model[at..end].iter_mut().zip(copied) {
                *byte = Some(*copied);
            }
        }
    }

    async fn read(&mut self, at: u64, length: u64) {
        let end = ((at + length) as usize).min(self.model.len());
        let at = (at as usize).min(end);
        let expected: Option<Vec<u8>> = self.model[at..end].iter().copied().collect();
        match read(&self.writer, at as u64, length).await {
            Ok(Reading::Pieces(pieces)) => {
                let read = bytes(&self.memory, &pieces).await;
                assert_eq!(Some(read), expected, "from {at} to {end}");
            }
            Ok(Reading::NotReadable) => {
                assert!(!self.is_orphan);
                if self.try_store().await {
                    let read = try_read(&self.memory, &self.writer, at as u64, length).await;
                    assert_eq!(read, expected, "from {at} to {end}, once stored");
                }
            }
            Err(WriteError::Lost) => assert_eq!(expected, None),
            Err(error) => panic!("{error}"),
        }
    }

    async fn store(&mut self) {
        if self.is_orphan {
            // What had been stored before may be all that there is.
            let stored = self.writer.store().await;
            assert!(!stored.is_ok_and(|stored| stored.anew));
        } else {
            self.try_store().await;
        }
    }

    /// Stores the file; returns false if there is no space for that.
    async fn try_store(&mut self) -> bool {
        let stored = loop {
            let stored = self.writer.store().await;
            let done = stored.as_ref().map(drop).map_err(Clone::clone);
            match self.is_done(done) {
                Some(true) => break stored.unwrap(),
                Some(false) => return false,
                None => {}
            }
        };
        self.check_stored(&stored).await;
        assert!(self.writer.is_stored());
        true
    }

    async fn check_stored(&self, stored: &Stored) {
        let key = self.at.key();
        let all: Option<Vec<u8>> = self.model.iter().copied().collect();
        assert_eq!(self.memory.objects()[key.as_str()], all.unwrap());
        let object = object(&self.memory, &key).await;
        assert_eq!(
            (object.etag, object.size),
            (stored.etag.clone(), stored.size)
        );
        let others = self.memory.objects().len() - SOURCES.len();
        assert_eq!(others, 1, "nothing but the file");
        assert_eq!(self.memory.open_uploads(), 0);
    }

    /// Renames the file as a file system does: copies the object and notifies the writer.
    async fn rename(&mut self, name: usize) {
        let key = Key::new(format!("f/{name}"));
        let before = self.at.key();
        if self.is_orphan || key == before {
            return;
        }
        if self.writer.is_streaming().await && !self.try_store().await {
            return;
        }
        if let Some(from) = self.writer.stored().await {
            assert_eq!(from, object(&self.memory, &before).await);
            let copying = self
                .memory
                .copy(&before, &from.etag, &key, CopiedHeaders::Source);
            let etag = copying.await.unwrap();
            self.memory.delete(&before).await.unwrap();
            let to = ObjectRef {
                key: key.clone(),
                etag: etag.clone(),
                size: from.size,
            };
            self.writer.moved(&from, to).await;
            if self.at.is_strict {
                self.at
                    .change(|to| to.precondition = Precondition::Is(etag));
            }
        }
        self.at.change(|to| to.key = key);
    }

    async fn reopen(&mut self) {
        if self.is_orphan || !self.try_store().await {
            return;
        }
        let object = object(&self.memory, &self.at.key()).await;
        let target = target(self.store.clone(), self.conditions.budget, &self.stages);
        let opened = loop {
            let place: Arc<dyn FindDestination> = self.at.clone();
            match Writer::open(target.clone(), place, object.clone()).await {
                Ok(opened) => break opened,
                Err(error) => {
                    if self.is_done(Err(error)).is_some() {
                        return;
                    }
                }
            }
        };
        assert!(opened.is_stored());
        self.writer = opened;
    }

    /// Orphans the file. Bytes that were readable stay so; bytes with an upload may be lost.
    async fn orphan(&mut self) {
        let mut was_here = Vec::new();
        for at in 0..self.model.len() as u64 {
            let reading = read(&self.writer, at, 1).await;
            was_here.push(matches!(reading, Ok(Reading::Pieces(_))));
        }
        self.writer.orphan().await;
        self.is_orphan = true;
        for (at, was_here) in was_here.into_iter().enumerate() {
            match read(&self.writer, at as u64, 1).await {
                Ok(Reading::Pieces(pieces)) => {
                    let byte = bytes(&self.memory, &pieces).await[0];
                    assert_eq!(Some(byte), self.model[at]);
                }
                Err(WriteError::Lost) => {
                    let may_be = !was_here || self.conditions.limit.is_some();
                    assert!(may_be, "{at} is lost");
                    self.model[at] = None;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(self.memory.open_uploads(), 0);
    }

    async fn end(mut self) {
        if !self.is_orphan {
            self.try_store().await;
        }
        drop(self.writer);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.memory.open_uploads(), 0);
        assert_eq!(self.stages.used(), 0);
    }
}

fn run(ops: Vec<Op>, conditions: Conditions) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut run = Run::new(conditions);
        for op in ops {
            run.step(op).await;
        }
        run.end().await;
    });
}

fn budget() -> impl Strategy<Value = u64> {
    // Nothing, a few buffers, everything.
    prop_oneof![Just(0), Just(6 * (64 << 10)), Just(64 << 20)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_file_is_an_array_of_bytes(
        ops in proptest::collection::vec(op(), 1..40),
        budget in budget(),
        seed in 0..1000u64,
    ) {
        run(ops, Conditions { budget, has_faults: false, limit: None, seed });
    }

    #[test]
    fn a_failure_loses_nothing(
        ops in proptest::collection::vec(op(), 1..40),
        budget in budget(),
        seed in 0..1000u64,
    ) {
        run(ops, Conditions { budget, has_faults: true, limit: None, seed });
    }

    #[test]
    fn a_file_that_finds_no_space_keeps_what_it_had(
        ops in proptest::collection::vec(op(), 1..40),
        budget in budget(),
        seed in 0..1000u64,
        limit in 0..6 * FIRST_PART,
    ) {
        run(ops, Conditions { budget, has_faults: false, limit: Some(limit), seed });
    }
}
