//! Events of a sandbox: from its supervisor, from its worker, and its output.

use std::os::fd::AsFd;
use std::time::Instant;

use crate::codec::Payload;
use crate::local::caller::output::Output;
use crate::protocol::{FromSupervisor, FromWorker, Report, StoreAnswer, ToWorker};
use crate::sys;

use super::{Launched, Line};

/// Event of a sandbox.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The work was started.
    Started,
    /// An input has returned a value; others may follow.
    Emitted(Payload),
    /// An input has ended, with its value if it returned one.
    Reported(Report, Option<Payload>),
    /// The worker takes no more inputs.
    WorkerGone,
    /// Answer to a request to store what had been written.
    Stored(StoreAnswer),
    /// The deadline passed.
    TimeUp,
    /// The sandbox is over; no more events follow.
    Over,
}

/// Sources that have something to read.
#[derive(Clone, Copy, Debug, Default)]
struct Ready {
    supervisor: bool,
    worker: bool,
    output: bool,
}

impl Launched {
    /// Waits for the next event.
    pub(crate) fn hear(&mut self, until: Option<Instant>) -> Heard {
        loop {
            let Some(ready) = self.ready(until) else {
                return Heard::TimeUp;
            };
            // That the work was started is heard before what it says, as far as both are here.
            if ready.supervisor && self.over.is_none() {
                if let Some(heard) = self.hear_supervisor() {
                    return heard;
                }
                continue;
            }
            if ready.worker {
                return self.hear_worker();
            }
            if let (true, Some(output)) = (ready.output, &mut self.output) {
                if self.over.is_some() {
                    output.drain();
                    output.end_lines();
                } else {
                    // No more than one piece: what comes after it may be another input's.
                    output.read_some();
                }
            }
            if self.over.is_some() {
                return Heard::Over;
            }
        }
    }

    /// Waits for sources with something to read; returns nothing when the deadline has passed.
    /// After the supervisor's last message, the worker's messages are still to be read, up to their
    /// end.
    fn ready(&self, until: Option<Instant>) -> Option<Ready> {
        let worker = self.worker.as_ref();
        if self.over.is_some() || worker.is_some_and(|worker| worker.inbox.has_message()) {
            return Some(Ready {
                worker: worker.is_some(),
                // All that will ever be printed is there.
                output: self.over.is_some(),
                supervisor: self.line.inbox.has_message(),
            });
        }
        if self.line.inbox.has_message() {
            return Some(Ready {
                supervisor: true,
                ..Ready::default()
            });
        }
        // In this order: what was reported before something was printed is seen with it.
        let outputs = self.output.iter().flat_map(Output::pipes);
        let lines = [Some(&self.line), worker].into_iter().flatten();
        let sockets: Vec<_> = outputs
            .chain(lines.map(|line| line.channel.as_fd()))
            .collect();
        // Reading tells what is wrong with them.
        let said = sys::wait_for_one(&sockets, until).unwrap_or_else(|_| vec![true; sockets.len()]);
        let (output, lines) = said.split_at(said.len() - 1 - usize::from(worker.is_some()));
        said.contains(&true).then_some(Ready {
            supervisor: lines.first() == Some(&true),
            worker: lines.get(1) == Some(&true),
            output: output.contains(&true),
        })
    }

    fn hear_worker(&mut self) -> Heard {
        let received = self
            .worker
            .as_mut()
            .map(|worker| worker.inbox.receive::<FromWorker>(&worker.channel));
        match received {
            Some(Ok((FromWorker::Ended(mut report), beside))) => {
                self.end_printing(report.has_printed);
                let value = report.value.take();
                let value = value.and_then(|packed| Payload::unpack(packed, beside));
                return Heard::Reported(report, value);
            }
            Some(Ok((FromWorker::Emitted(value), beside))) => {
                if let Some(value) = Payload::unpack(value, beside) {
                    return Heard::Emitted(value);
                }
            }
            Some(Err(_)) | None => {}
        }
        self.worker = None;
        Heard::WorkerGone
    }

    /// Assigns later output to the next input, as the one that ended prints no more.
    fn end_printing(&mut self, has_more: bool) {
        let Some(output) = &mut self.output else {
            return;
        };
        if has_more {
            // The worker waits, so that all there is is this input's.
            output.drain();
        }
        output.end_lines();
        if let (true, Some(worker)) = (has_more, &self.worker) {
            // One that is gone is heard of.
            let _ = worker.channel.send(&ToWorker::GoOn, &[]);
        }
    }

    fn hear_supervisor(&mut self) -> Option<Heard> {
        let Line { channel, inbox } = &mut self.line;
        match inbox.receive::<FromSupervisor>(channel) {
            Ok((FromSupervisor::Upload(note), _)) => self.unfinished.note(note),
            Ok((FromSupervisor::Progress(progress), _)) => self.watched.progress(progress),
            Ok((FromSupervisor::Started, _)) => {
                self.watched.started();
                return Some(Heard::Started);
            }
            Ok((FromSupervisor::Stored(answer), _)) => return Some(Heard::Stored(answer)),
            Ok((FromSupervisor::Reply(reply), _)) => self.over = Some(Ok(reply)),
            Err(error) => self.over = Some(Err(error)),
        }
        None
    }
}
