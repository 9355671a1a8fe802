//! Running the inputs of a batch.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::call::{Attempt, Error, ErrorKind, Work};
use crate::cluster::format::{Batch, BatchInput, Event, Header, Value};
use crate::codec::Payload;
use crate::declare::Options;
use crate::local::caller::{Canceller, Emitted, LocalCall, MapEvent, Mapped, Plan, Takers};
use crate::local::interrupt::until_terminated;
use crate::observe::watch::Watch;

use super::pieces::Pieces;

/// Maximum delay between the end of a body by its node's signal and the arrival of that signal here.
const SAME_TIME: Duration = Duration::from_millis(300);

/// Number of SIGTERM, with which schedulers end things.
const TERMINATED: i32 = 15;

/// A batch that is being run.
struct Run<'a> {
    header: &'a Header,
    inputs: &'a [BatchInput],
    plan: Plan,
    watch: Arc<Watch>,
    pieces: &'a Pieces,
}

/// End of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchEnd {
    Done,
    /// The task was told to end, and has left inputs.
    Told,
}

/// Runs all inputs of a batch, and reports their results.
pub(super) fn run(header: &Header, batch: &Batch, pieces: &Pieces) -> BatchEnd {
    let options = Options {
        retries: header.retries,
        max_inputs: header.max_inputs,
        timeout: header.spec.timeout,
        ..Options::default()
    };
    let run = Run {
        plan: Plan {
            spec: header.spec.clone(),
            options,
        },
        watch: Watch::of(header.spec.label()),
        header,
        inputs: &batch.inputs,
        pieces,
    };
    let end = match (&header.spec.work, header.iterates) {
        (Work::Command { .. }, _) => run.each(Run::command),
        (Work::Function { .. }, true) => run.each(Run::emit),
        (Work::Function { .. }, false) => run.map(),
    };
    pieces.used(run.watch.usage());
    end
}

impl Run<'_> {
    /// Runs inputs one by one, in a sandbox each; such a batch mostly has one input.
    fn each(
        &self,
        run: impl Fn(&Self, &BatchInput, &Canceller) -> Result<Value, Error>,
    ) -> BatchEnd {
        for (place, input) in self.inputs.iter().enumerate() {
            let began = Instant::now();
            let canceller = Arc::new(Canceller::default());
            let (result, was_told) = until_terminated(&*canceller, || run(self, input, &canceller));
            if was_told && result.as_ref().is_err_and(is_interruption) {
                self.leave(&self.inputs[place..], true);
                return BatchEnd::Told;
            }
            self.ended(input, result, began.elapsed());
        }
        BatchEnd::Done
    }

    fn command(&self, _: &BatchInput, canceller: &Canceller) -> Result<Value, Error> {
        let sink = self.pieces.sink(self.indices());
        let Plan { spec, options } = &self.plan;
        let call = LocalCall {
            spec,
            retries: &options.retries,
            canceller,
            takers: Takers {
                sink: Some(sink),
                no_stdin: true,
                ..Takers::of(Arc::clone(&self.watch))
            },
        };
        match call.outcome() {
            // It was told to end, and will be run elsewhere unless that was its caller's wish.
            Ok(outcome)
                if canceller.is_cancelled()
                    && !outcome.is_success()
                    && outcome.not_stored.is_empty() =>
            {
                let attempt = Attempt::first(spec.label());
                Err(Error::new(attempt, ErrorKind::Cancelled))
            }
            outcome => outcome.map(Value::Command),
        }
    }

    fn emit(&self, input: &BatchInput, canceller: &Canceller) -> Result<Value, Error> {
        let payload = Payload::from_bytes(input.arguments.clone());
        let payload = payload.map_err(|error| self.codec(&error))?;
        let sink = self.pieces.sink(self.indices());
        let mut emitted = Emitted::new(self.plan.clone(), payload, &self.watch, Some(sink));
        let inner = emitted.canceller();
        let _ended = canceller.also(move |grace| inner.cancel(grace.unwrap_or_default()));
        while let Some(value) = emitted.next() {
            let value = value?.into_bytes().map_err(|error| self.codec(&error))?;
            let (index, bytes) = (input.index, value.len());
            self.pieces.tell(Event::Emitted { index, value }, bytes);
        }
        Ok(Value::Returned(bytes::Bytes::new()))
    }

    fn codec(&self, error: &std::io::Error) -> Error {
        Error::value(Attempt::first(self.plan.spec.label()), error)
    }

    /// Runs inputs one after another, in a sandbox that stays.
    fn map(&self) -> BatchEnd {
        let sink = self.pieces.sink(self.indices());
        let mut mapped = Mapped::with(self.plan.clone(), Arc::clone(&self.watch), 1, Some(sink));
        let ender = mapped.ender();
        let (end, _) = until_terminated(&ender, || self.feed(&mut mapped));
        if let Some(error) = mapped.finish() {
            self.pieces.tell(Event::Failed(error), 0);
        }
        end
    }

    fn feed(&self, mapped: &mut Mapped) -> BatchEnd {
        let (start, mut last, mut given) = (Instant::now(), Instant::now(), 0);
        let (mut interrupted, mut is_closed) = (Vec::new(), false);
        loop {
            while !is_closed && mapped.has_room(0) {
                let is_over = start.elapsed() >= self.header.slice && given > 0;
                if given == self.inputs.len() || is_over || mapped.is_cancelled() {
                    mapped.close();
                    is_closed = true;
                    break;
                }
                let arguments = self.inputs[given].arguments.clone();
                given += 1;
                match Payload::from_bytes(arguments) {
                    Ok(payload) => drop(mapped.give(payload)),
                    Err(error) => {
                        let input = &self.inputs[given - 1];
                        mapped.skip(|attempt| Error::new(attempt, ErrorKind::Cancelled));
                        self.ended(input, Err(self.codec(&error)), Duration::ZERO);
                    }
                }
            }
            let done = match mapped.next(false) {
                Some(MapEvent::Done(done)) => done,
                None if is_closed => break,
                _ => continue,
            };
            let place = usize::try_from(done.index).unwrap_or(usize::MAX);
            let Some(input) = self.inputs.get(place) else {
                continue;
            };
            if is_interrupted(mapped, &done.result) {
                interrupted.push(input.index);
                continue;
            }
            let took = last.elapsed();
            last = Instant::now();
            self.pieces.used(self.watch.usage());
            let value = done.result.and_then(|value| {
                let bytes = value.into_bytes().map_err(|error| self.codec(&error))?;
                Ok(Value::Returned(bytes))
            });
            self.ended(input, value, took);
        }
        let has_left = given < self.inputs.len();
        let was_told = !interrupted.is_empty() || (has_left && mapped.is_cancelled());
        if !interrupted.is_empty() {
            let event = Event::Left {
                indices: interrupted,
                was_told: true,
            };
            self.pieces.tell(event, 0);
        }
        self.leave(&self.inputs[given..], mapped.is_cancelled());
        if was_told {
            BatchEnd::Told
        } else {
            BatchEnd::Done
        }
    }

    fn ended(&self, input: &BatchInput, result: Result<Value, Error>, took: Duration) {
        let result = result.map_err(|error| self.as_callers(input, error));
        let bytes = match &result {
            Ok(Value::Returned(bytes)) => bytes.len(),
            _ => 0,
        };
        let index = input.index;
        let event = Event::Ended {
            index,
            result,
            took,
        };
        self.pieces.tell(event, bytes);
    }

    /// Returns the error with the caller's attempt and index: an input may have been tried on other
    /// nodes, and has another place here.
    fn as_callers(&self, input: &BatchInput, error: Error) -> Error {
        let mut attempt = error.attempt().clone();
        attempt.input = Some(input.index).filter(|_| self.header.is_map);
        attempt.number += input.attempt - 1;
        error.in_attempt(&attempt)
    }

    fn leave(&self, inputs: &[BatchInput], was_told: bool) {
        if inputs.is_empty() {
            return;
        }
        let indices = inputs.iter().map(|input| input.index).collect();
        self.pieces.tell(Event::Left { indices, was_told }, 0);
    }

    fn indices(&self) -> Vec<u64> {
        self.inputs.iter().map(|input| input.index).collect()
    }
}

/// Returns whether an error looks like the end of the node. A supervisor that is starting is ended by
/// the node's signal itself.
fn is_interruption(error: &Error) -> bool {
    matches!(
        error,
        Error {
            kind: ErrorKind::Cancelled | ErrorKind::Lost { .. },
            ..
        } | Error {
            kind: ErrorKind::Killed {
                signal: TERMINATED,
                ..
            },
            ..
        }
    )
}

/// Returns whether the end of the node ended this input.
fn is_interrupted(mapped: &Mapped, result: &Result<Payload, Error>) -> bool {
    if !result.as_ref().is_err_and(is_interruption) {
        return false;
    }
    let start = Instant::now();
    while !mapped.is_cancelled() && start.elapsed() < SAME_TIME {
        sleep(SAME_TIME / 30);
    }
    mapped.is_cancelled()
}
