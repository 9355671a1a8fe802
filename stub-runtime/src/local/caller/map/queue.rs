//! Choice of the next input to run: decided here, done by the slots.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use crate::codec::Payload;

/// An input, and the number of its attempts.
#[derive(Debug)]
pub(super) struct QueuedInput {
    /// Its place among the inputs, from 0.
    pub(super) index: u64,
    pub(super) payload: Payload,
    /// The number of the attempt, from 1.
    pub(super) attempt: u32,
}

/// The inputs that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ready: VecDeque<QueuedInput>,
    /// Inputs to be tried again, by the time of their next attempt.
    later: BTreeMap<(Instant, u64), QueuedInput>,
    is_closed: bool,
}

/// Next action of a slot.
#[derive(Debug)]
pub(super) enum SlotAction {
    Run(QueuedInput),
    /// Wait until this time, or until something has changed.
    WaitUntil(Instant),
    /// Wait until something has changed.
    Wait,
    /// End: nothing more comes, except from inputs that other slots still run.
    End,
}

impl Queue {
    /// Adds an input.
    pub(super) fn push(&mut self, task: QueuedInput) {
        self.ready.push_back(task);
    }

    /// Closes the queue to further inputs.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Returns an input to the head of the queue that a slot had taken and did not begin.
    pub(super) fn put_back(&mut self, task: QueuedInput) {
        self.ready.push_front(task);
    }

    /// Adds an input to be tried again, not before this time.
    pub(super) fn try_again(&mut self, task: QueuedInput, at: Instant) {
        self.later.insert((at, task.index), task);
    }

    /// Takes the next action. An input to be tried again comes first once it is due.
    pub(super) fn next(&mut self, now: Instant) -> SlotAction {
        let due = self.later.first_key_value().map(|((at, _), _)| *at);
        if due.is_some_and(|at| at <= now)
            && let Some((_, task)) = self.later.pop_first()
        {
            return SlotAction::Run(task);
        }
        match (self.ready.pop_front(), due) {
            (Some(task), _) => SlotAction::Run(task),
            (None, Some(at)) => SlotAction::WaitUntil(at),
            (None, None) if self.is_closed => SlotAction::End,
            (None, None) => SlotAction::Wait,
        }
    }

    /// Returns the number of inputs that can be run now.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Removes and returns all inputs that wait.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = QueuedInput> {
        let later = std::mem::take(&mut self.later);
        std::mem::take(&mut self.ready)
            .into_iter()
            .chain(later.into_values())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use super::*;

    fn task(index: u64) -> QueuedInput {
        QueuedInput {
            index,
            payload: Payload::encode(&()).unwrap(),
            attempt: 1,
        }
    }

    fn index(next: SlotAction) -> u64 {
        match next {
            SlotAction::Run(task) => task.index,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn inputs_are_run_in_their_order_until_there_are_no_more() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert!(matches!(queue.next(now), SlotAction::Wait));
        queue.push(task(0));
        queue.push(task(1));
        assert_eq!(index(queue.next(now)), 0);
        queue.put_back(task(0));
        assert_eq!(index(queue.next(now)), 0);
        queue.close();
        assert_eq!(index(queue.next(now)), 1);
        assert!(matches!(queue.next(now), SlotAction::End));
    }

    #[test]
    fn what_failed_waits_and_then_comes_first() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let soon = now + Duration::from_secs(1);
        queue.try_again(task(0), soon);
        queue.push(task(1));
        queue.push(task(2));
        queue.close();
        assert_eq!(index(queue.next(now)), 1);
        assert_eq!(index(queue.next(soon)), 0);
        assert_eq!(index(queue.next(soon)), 2);
        queue.try_again(task(0), soon);
        assert!(matches!(queue.next(now), SlotAction::WaitUntil(at) if at == soon));
        assert_eq!(queue.drain().count(), 1);
        assert!(matches!(queue.next(now), SlotAction::End));
    }
}
