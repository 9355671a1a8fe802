//! Reports of a task on their way into the spool: in pieces, of about a second each.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use s3fs_core::Usage;

use crate::cluster::error::ClusterError;
use crate::cluster::format::{Event, Piece};
use crate::cluster::names::{BatchId, RunId};
use crate::cluster::seal::random_number;
use crate::cluster::spool::Spool;
use crate::observe::output::{OutputStream, Sink};

/// Maximum age of a report before it is written.
const AGE: Duration = Duration::from_secs(1);

/// Limit on that age in a map, where it doubles with each piece. A thousand tasks that write each
/// second would be too many for the prefix of a bucket.
const LAST_AGE: Duration = Duration::from_secs(8);

/// Size, in bytes, at which reports are written at once.
const BYTES: usize = 4 << 20;

/// Size, in bytes, of reports in memory above which a reporter must wait.
const MOST: usize = 16 << 20;

/// Maximum time that an unavailable spool is retried.
const PATIENCE: Duration = Duration::from_mins(20);

/// Pause before the first retry; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// Writer of a task's reports.
#[derive(Debug)]
pub(super) struct Pieces {
    shared: Arc<PiecesState>,
    writer: JoinHandle<Result<(), ClusterError>>,
}

#[derive(Debug)]
struct PiecesState {
    spool: Spool,
    batch: BatchId,
    run: RunId,
    /// True if the call is a map.
    is_map: bool,
    told: Mutex<Unwritten>,
    changed: Condvar,
}

/// Returns the maximum age of a report before the piece of this number is written. It grows in a map.
pub(in crate::cluster) fn age(number: u32, is_map: bool) -> Duration {
    if !is_map {
        return AGE;
    }
    AGE.saturating_mul(1 << number.min(16)).min(LAST_AGE)
}

#[derive(Debug, Default)]
struct Unwritten {
    events: Vec<Event>,
    bytes: usize,
    /// Time of the first event.
    since: Option<Instant>,
    usage: Usage,
    is_over: bool,
    has_failed: bool,
}

impl Pieces {
    /// Starts the thread that writes the pieces.
    pub(super) fn start(spool: Spool, batch: BatchId, is_map: bool) -> Result<Self, ClusterError> {
        let shared = Arc::new(PiecesState {
            spool,
            batch,
            run: RunId(random_number().map_err(ClusterError::Unusable)?),
            is_map,
            told: Mutex::default(),
            changed: Condvar::new(),
        });
        let writing = Arc::clone(&shared);
        let thread = thread::Builder::new().name("stub-pieces".to_owned());
        let writer = thread
            .spawn(move || writing.write_all())
            .map_err(|error| ClusterError::Unusable(format!("can't start a thread: {error}")))?;
        Ok(Self { shared, writer })
    }

    /// Reports an event of about this number of bytes.
    pub(super) fn tell(&self, event: Event, bytes: usize) {
        self.shared.tell(event, bytes);
    }

    /// Reports the requests and bytes of the buckets until now.
    pub(super) fn used(&self, usage: Usage) {
        self.shared.lock().usage = usage;
    }

    /// Returns a receiver of output. `indices`: index in the call of each input of the batch.
    pub(super) fn sink(&self, indices: Vec<u64>) -> Arc<dyn Sink> {
        Arc::new(Printer {
            shared: Arc::clone(&self.shared),
            indices,
        })
    }

    /// Ends the reports: waits until all of them are in the spool.
    pub(super) fn end(self) -> Result<(), ClusterError> {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_all();
        let panicked = || {
            Err(ClusterError::Unusable(
                "the thread that writes panicked".to_owned(),
            ))
        };
        self.writer.join().unwrap_or_else(|_| panicked())
    }
}

/// Receiver of output that reports it.
#[derive(Debug)]
struct Printer {
    shared: Arc<PiecesState>,
    indices: Vec<u64>,
}

impl Sink for Printer {
    fn line(&self, stream: OutputStream, of: Option<u64>, line: &[u8]) {
        let place = of.and_then(|place| usize::try_from(place).ok());
        let index = match (place, &self.indices[..]) {
            (Some(place), indices) => indices.get(place).copied(),
            (None, [only]) => Some(*only),
            (None, _) => None,
        };
        let event = Event::Printed {
            index,
            stream,
            line: line.to_vec().into(),
        };
        self.shared.tell(event, line.len());
    }
}

impl PiecesState {
    fn lock(&self) -> MutexGuard<'_, Unwritten> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: Event, bytes: usize) {
        let mut told = self.lock();
        while told.bytes > MOST && !told.has_failed {
            told = self
                .changed
                .wait(told)
                .unwrap_or_else(PoisonError::into_inner);
        }
        told.events.push(event);
        told.bytes += bytes + size_of::<Event>();
        told.since.get_or_insert_with(Instant::now);
        drop(told);
        self.changed.notify_all();
    }

    fn write_all(&self) -> Result<(), ClusterError> {
        let mut number = 0;
        loop {
            let piece = self.next(number);
            let is_last = piece.is_last;
            let written = self.write(number, &piece);
            self.changed.notify_all();
            if let Err(error) = written {
                self.lock().has_failed = true;
                self.changed.notify_all();
                return Err(error);
            }
            if is_last {
                return Ok(());
            }
            number += 1;
        }
    }

    /// Waits for the next piece to be written.
    fn next(&self, number: u32) -> Piece {
        let mut told = self.lock();
        loop {
            let now = Instant::now();
            let due = told.since.map(|since| since + age(number, self.is_map));
            let is_due = due.is_some_and(|due| due <= now) || told.bytes >= BYTES;
            if is_due || told.is_over {
                let events = std::mem::take(&mut told.events);
                (told.bytes, told.since) = (0, None);
                return Piece {
                    events,
                    usage: told.usage,
                    is_last: told.is_over,
                };
            }
            let pause = due.map_or(PATIENCE, |due| due.saturating_duration_since(now));
            let woken = self.changed.wait_timeout(told, pause);
            told = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn write(&self, number: u32, piece: &Piece) -> Result<(), ClusterError> {
        let (name, start, mut pause) = (
            self.batch.piece(self.run, number),
            Instant::now(),
            FIRST_PAUSE,
        );
        loop {
            match self.spool.put(&name, piece) {
                Err(error) if start.elapsed() < PATIENCE => {
                    tracing::warn!(%error, "failed to write results to the spool: retrying");
                    sleep(pause);
                    pause = (pause * 2).min(LAST_PAUSE);
                }
                written => return written,
            }
        }
    }
}
