//! A place for one sandbox at a time, in which a worker runs one input after another.

use std::collections::VecDeque;
use std::time::Instant;

use s3fs_core::{Access, NotStored};

use crate::call::{Ended, Error, ErrorKind, Outcome};
use crate::codec::Payload;
use crate::local::caller::cancel::Registered;
use crate::local::caller::launch::{Heard, Launched};
use crate::local::caller::running::start_limit;
use crate::local::caller::verdict;
use crate::protocol::{Report, Stop, StoreAnswer};

use super::depth::{Pace, SMALL};
use super::queue::QueuedInput;
use super::shared::{Run, SharedMap};
use super::unconfirmed::{NextRequest, Unconfirmed, Writes};

/// Runs inputs until there are no more.
pub(super) fn run(shared: &SharedMap) {
    let _in_call = shared.takers.watch.span().entered();
    let mut pace = Pace::default();
    while let Some(task) = shared.take_or_leave() {
        let began = Instant::now();
        match Slot::begin(shared, pace) {
            Ok(slot) => pace = slot.serve(task),
            Err(error) => {
                let run = Run {
                    sandbox: None,
                    began,
                };
                // What this program has run out of is what its other sandboxes have.
                let is_short = matches!(error.kind, ErrorKind::Start { .. });
                match shared.leave_to_others(task, is_short) {
                    None => {
                        return tracing::warn!(%error, "failed to start a sandbox: continuing with fewer");
                    }
                    Some(task) => refuse(shared, task, &run, error),
                }
            }
        }
    }
}

/// Ends an input for which no sandbox could be started. An error that is not worth a retry ends all
/// other inputs, too.
fn refuse(shared: &SharedMap, task: QueuedInput, run: &Run, error: Error) {
    if !error.is_worth_retrying() {
        shared.broken(error.clone());
    }
    shared.ended(task, run, Err(error));
}

/// Effect of giving an input to the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// The input is run.
    More,
    /// No further input is given.
    NoMore,
    /// No further input is given, and those given do not begin, as one has panicked.
    Nothing,
}

/// An input that the worker has reported.
struct ReportedInput {
    task: QueuedInput,
    run: Run,
    ended: Ended,
    value: Option<Payload>,
}

/// A sandbox, and the inputs that its worker was given.
struct Slot<'a> {
    shared: &'a SharedMap,
    launched: Launched,
    _registered: Registered<'a>,
    /// Inputs in the order in which they were given: the first is being run.
    given: VecDeque<QueuedInput>,
    /// Inputs reported, whose files may not be stored.
    unconfirmed: Unconfirmed<ReportedInput>,
    launched_at: Instant,
    /// Deadline for the start of its work.
    must_start: Option<Instant>,
    /// Start time of the first input, once the worker is there.
    began: Option<Instant>,
    /// Number of inputs given until now.
    count: u64,
    takes: Takes,
    /// Input that has timed out.
    late: Option<u64>,
    /// True if the objects that the sandbox could not store in the end are reported with an input.
    is_told: bool,
    has_started: bool,
    pace: Pace,
}

impl<'a> Slot<'a> {
    /// Starts a sandbox for the slot.
    fn begin(shared: &'a SharedMap, pace: Pace) -> Result<Self, Error> {
        let spec = shared.plan.spec.clone();
        let (launched, connection) = Launched::start(spec, shared.takers.clone())?;
        Ok(Self {
            shared,
            launched,
            _registered: shared.canceller.register(connection),
            given: VecDeque::new(),
            unconfirmed: Unconfirmed::default(),
            launched_at: Instant::now(),
            must_start: start_limit(shared.plan.options.timeout),
            began: None,
            count: 0,
            takes: Takes::More,
            late: None,
            is_told: false,
            has_started: false,
            pace,
        })
    }

    /// Runs inputs as long as the worker lives and inputs come.
    fn serve(mut self, first: QueuedInput) -> Pace {
        self.give(first);
        loop {
            self.fill();
            self.ask_if_due();
            let is_idle = self.given.is_empty() && self.unconfirmed.is_empty();
            let is_over = if is_idle && self.takes == Takes::More {
                self.wait_for_input()
            } else {
                self.listen()
            };
            if is_over {
                break;
            }
        }
        self.end()
    }

    fn give(&mut self, task: QueuedInput) {
        if self.given.is_empty() && self.has_started {
            self.began = Some(Instant::now());
        }
        self.count += 1;
        // A worker that is gone is heard of.
        let _ = self
            .launched
            .give(self.shared.takers.watch.label(), &task.payload);
        self.given.push_back(task);
        self.name_printer();
        if Some(self.count) == self.shared.plan.options.max_inputs {
            self.close();
        }
    }

    /// Assigns output from now on to the first input.
    fn name_printer(&mut self) {
        let first = self.given.front().map(|task| task.index);
        self.launched.prints_for(first);
    }

    fn close(&mut self) {
        self.takes = Takes::NoMore;
        self.launched.give_no_more();
    }

    /// Records that the worker is gone.
    fn no_more(&mut self) {
        if self.takes == Takes::More {
            self.takes = Takes::NoMore;
        }
    }

    /// Returns whether the files written by an input must be stored before the input ends.
    fn stores(&self) -> bool {
        let mut volumes = self.shared.plan.spec.volumes.iter();
        volumes.any(|volume| volume.mount.access != Access::ReadOnly)
    }

    /// Returns the number of inputs that the worker may be given now.
    fn room(&self) -> usize {
        let (depth, given) = (self.pace.depth(), self.given.len());
        if self.stores() {
            self.unconfirmed.room(depth, given)
        } else {
            depth.saturating_sub(given)
        }
    }

    /// Gives inputs ahead, if inputs are short and some wait.
    fn fill(&mut self) {
        let is_small = |task: &QueuedInput| task.payload.length() <= SMALL;
        while self.takes == Takes::More
            && self.has_started
            && self.room() > 0
            && self.given.iter().all(is_small)
            && let Some(task) = self.shared.try_take()
        {
            self.give(task);
        }
    }

    /// Waits for an input, when none was given. Returns whether the sandbox is over.
    fn wait_for_input(&mut self) -> bool {
        let Some(task) = self.shared.take() else {
            self.close();
            return false;
        };
        // It may have died meanwhile, which is not the input's fault.
        match self.launched.hear(Some(Instant::now())) {
            Heard::TimeUp => {
                self.give(task);
                false
            }
            heard => {
                self.shared.put_back(task);
                self.on(heard)
            }
        }
    }

    fn listen(&mut self) -> bool {
        let timeout = self.shared.plan.options.timeout;
        let limit = match (self.began, timeout, self.late) {
            (Some(began), Some(timeout), None) => began.checked_add(timeout),
            (None, Some(_), None) if !self.has_started => self.must_start,
            _ => None,
        };
        let now = Instant::now();
        let ask = match self.unconfirmed.next_request(now, self.given.len()) {
            NextRequest::At(at) => Some(at),
            NextRequest::Now | NextRequest::Later => None,
        };
        match self.launched.hear([limit, ask].into_iter().flatten().min()) {
            Heard::TimeUp if limit.is_none_or(|limit| limit > Instant::now()) => false,
            heard => self.on(heard),
        }
    }

    /// Asks the supervisor to store what reported inputs have written, if it is time.
    fn ask_if_due(&mut self) {
        let next = self
            .unconfirmed
            .next_request(Instant::now(), self.given.len());
        if next == NextRequest::Now {
            self.launched.ask_to_store();
            self.unconfirmed.asked();
        }
    }

    fn on(&mut self, heard: Heard) -> bool {
        match heard {
            Heard::Started => {
                self.has_started = true;
                self.began = (!self.given.is_empty()).then(Instant::now);
            }
            Heard::Reported(report, value) => self.reported(report, value),
            Heard::WorkerGone => self.no_more(),
            Heard::Stored(answer) => self.stored(answer),
            Heard::Emitted(_) => {}
            Heard::TimeUp => {
                self.late = self.given.front().map(|task| task.index);
                let after = self.shared.plan.options.timeout.unwrap_or_default();
                self.launched.stop(Stop::TimedOut { after });
            }
            Heard::Over => return true,
        }
        false
    }

    /// Handles the end of the first input: the next one begins.
    fn reported(&mut self, report: Report, value: Option<Payload>) {
        let Some(task) = self.given.pop_front() else {
            return;
        };
        self.name_printer();
        // Whatever was heard first.
        self.has_started = true;
        let run = self.run();
        let now = Instant::now();
        if self.began.take().is_some() {
            self.pace.note(now.saturating_duration_since(run.began));
        }
        self.began = (!self.given.is_empty()).then_some(now);
        if matches!(report.ended, Ended::Panicked { .. }) {
            self.takes = Takes::Nothing;
        }
        let reported = ReportedInput {
            task,
            run,
            ended: report.ended,
            value,
        };
        if self.stores() {
            self.unconfirmed.reported(now, reported);
        } else {
            self.conclude(reported, Some(Vec::new()));
        }
    }

    /// Ends an input. `not_stored`: objects that could not be stored; nothing if they are not known.
    fn conclude(&self, reported: ReportedInput, not_stored: Option<Vec<NotStored>>) {
        let ReportedInput {
            task,
            run,
            ended,
            value,
        } = reported;
        let attempt = self.shared.attempt(&task);
        let result = match not_stored {
            Some(not_stored) => verdict::value(attempt, Outcome { ended, not_stored }, value),
            None => Err(Error::new(
                attempt,
                ErrorKind::Lost {
                    reason: "ended before all that was written was stored".to_owned(),
                },
            )),
        };
        self.shared.ended(task, &run, result);
    }

    /// Handles the answer to a request to store: ends the inputs that it covers. Each of them may
    /// have written what could not be stored.
    fn stored(&mut self, answer: StoreAnswer) {
        let StoreAnswer { lost, has_written } = answer;
        let writes = if has_written {
            Writes::Some
        } else {
            Writes::None
        };
        if !lost.is_empty() {
            self.is_told = true;
            if self.takes == Takes::More {
                // What failed would be told of again with every further input.
                self.close();
            }
        }
        for reported in self.unconfirmed.answered(writes) {
            self.conclude(reported, Some(lost.clone()));
        }
    }

    /// Returns place and time of the attempt of the first input given.
    fn run(&self) -> Run {
        Run {
            sandbox: self.launched.recorded(),
            began: self.began.unwrap_or(self.launched_at),
        }
    }

    /// Returns whether the end of the sandbox is that of this input, the first of those given.
    fn is_ended(&self, first: &QueuedInput) -> bool {
        self.takes != Takes::Nothing && self.late.is_none_or(|late| late == first.index)
    }

    /// Ends the slot after its sandbox: reports the first input, and puts back those that have not
    /// begun. The last account is that of the inputs reported before.
    fn end(mut self) -> Pace {
        let not_stored = self.launched.not_stored();
        for reported in self.unconfirmed.drain() {
            self.is_told = true;
            self.conclude(reported, not_stored.clone());
        }
        let run = self.run();
        let first = self.given.pop_front();
        let (first, not_begun) = match first {
            Some(task) if !self.is_ended(&task) => (None, Some(task)),
            first => (first, None),
        };
        // They come in their order again.
        for task in self.given.into_iter().rev().chain(not_begun) {
            self.shared.put_back(task);
        }
        match (first, self.launched.finish()) {
            (Some(task), Ok(outcome)) => {
                let result = verdict::value(self.shared.attempt(&task), outcome, None);
                self.shared.ended(task, &run, result);
            }
            (Some(task), Err(error)) => refuse(self.shared, task, &run, error),
            (None, Ok(outcome)) if !self.is_told => self.shared.left(outcome.not_stored),
            (None, Ok(_)) => {}
            (None, Err(error)) => tracing::warn!(%error, "failed to end a sandbox"),
        }
        self.pace
    }
}
