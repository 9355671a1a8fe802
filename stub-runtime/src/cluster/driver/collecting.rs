//! Collecting result pieces from the spool.

use std::time::Instant;

use super::Driver;
use super::pauses::SpoolLook;
use crate::call::Error;
use crate::cluster::error::ClusterError;
use crate::cluster::format::{Event, Piece, Value};
use crate::cluster::names::{BatchId, RunId, pieces};
use crate::codec::Payload;
use crate::local::caller::MapMessage;
use crate::observe::watch::Watched;
use crate::protocol::Progress;

/// Maximum number of pieces in memory at once.
const AT_ONCE: usize = 16;

impl Driver {
    /// Reads new pieces from the spool, if that is due. Returns whether it was.
    pub(super) fn collect(&mut self) -> Result<bool, ClusterError> {
        let now = Instant::now();
        if self.spool.is_none() || !self.pauses.is_spool_due(now) {
            return Ok(false);
        }
        let collected = self.collect_all();
        if collected.is_ok() {
            self.collected = now;
        }
        let is_new = collected.as_ref().is_ok_and(|is_new| *is_new);
        self.pauses.looked_at_spool(SpoolLook {
            began: now,
            ended: Instant::now(),
            is_new,
            submissions: self.state.awaited().len(),
        });
        collected.map(|_| true)
    }

    fn collect_all(&mut self) -> Result<bool, ClusterError> {
        let spool = self.spool()?;
        let mut is_new = false;
        for submission in self.state.awaited() {
            let names = spool.list(&pieces(submission))?;
            let mut found: Vec<_> = names
                .into_iter()
                .filter_map(|name| Some((BatchId::of_piece(&name)?, name)))
                .filter(|((id, run, number), _)| self.state.may_want(*id, *run, *number))
                .collect();
            found.sort();
            for some in found.chunks(AT_ONCE) {
                let names: Vec<String> = some.iter().map(|(_, name)| name.clone()).collect();
                let read = spool.get_all::<Piece>(&names)?;
                for (((id, run, number), _), piece) in some.iter().zip(read) {
                    if let Some(piece) = piece
                        && self.state.wants(*id, *run, *number)
                    {
                        is_new = true;
                        self.take_piece(*id, *run, piece);
                    }
                }
            }
        }
        Ok(is_new)
    }

    fn take_piece(&mut self, id: BatchId, run: RunId, piece: Piece) {
        let Piece {
            events,
            usage,
            is_last,
        } = piece;
        let sandbox = self.sandboxes.entry(id).or_insert_with(|| {
            let watched = Watched::new(std::sync::Arc::clone(&self.watch));
            watched.started();
            watched
        });
        sandbox.progress(Progress {
            usage,
            ..Progress::default()
        });
        if is_last {
            self.sandboxes.remove(&id);
            self.try_soon();
        }
        for event in events {
            self.take_event(id, event);
        }
        self.state.piece(id, run, is_last);
    }

    fn take_event(&mut self, id: BatchId, event: Event) {
        match event {
            Event::Printed {
                index,
                stream,
                line,
            } => {
                if let Some(sink) = &self.sink {
                    sink.line(stream, index.filter(|_| self.task.is_map), &line);
                }
            }
            Event::Emitted { index, value } => {
                if self.state.emitted(id, index) {
                    let _ = self
                        .told
                        .send(MapMessage::Emitted(Payload::from_held(value)));
                }
            }
            Event::Ended {
                index,
                result,
                took,
            } => {
                if self.state.ended(id, index, took) {
                    self.tell(
                        index,
                        result.and_then(|value| self.payload(index, value)),
                        took,
                    );
                }
            }
            Event::Left { indices, was_told } => {
                // Of one that was told to end, the scheduler knows why.
                if !was_told {
                    for verdict in self.state.left(id, &indices) {
                        self.tell_verdict(&verdict);
                    }
                }
            }
            Event::Failed(error) => self.late = Some(error),
        }
    }

    fn payload(&self, index: u64, value: Value) -> Result<Payload, Error> {
        match value {
            Value::Returned(bytes) => Ok(Payload::from_held(bytes)),
            Value::Command(outcome) => Payload::encode(&outcome)
                .map_err(|error| Error::value(self.attempt(Some(index), 1), &error)),
        }
    }

    /// Schedules the next look into the spool for now, if that is possible.
    pub(super) fn collect_soon(&mut self) {
        self.pauses.look_at_spool_now(Instant::now());
    }
}
