//! Which input is run next: decided here, done by the slots.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use crate::payload::Payload;

/// An input, and how often it was begun.
#[derive(Debug)]
pub(super) struct Task {
    /// Its place among the inputs, from 0.
    pub(super) index: u64,
    pub(super) payload: Payload,
    /// The number of the attempt, from 1.
    pub(super) attempt: u32,
}

/// The inputs that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ready: VecDeque<Task>,
    /// Those that failed and are to be tried again, by when.
    later: BTreeMap<(Instant, u64), Task>,
    is_closed: bool,
}

/// What a slot does next.
#[derive(Debug)]
pub(super) enum Next {
    Run(Task),
    /// Look again then, or when something has changed.
    WaitUntil(Instant),
    /// Look again when something has changed.
    Wait,
    /// Nothing more comes but what other slots still run.
    End,
}

impl Queue {
    /// One more input.
    pub(super) fn push(&mut self, task: Task) {
        self.ready.push_back(task);
    }

    /// There are no more inputs.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// An input that a slot had taken and did not begin: it is the next.
    pub(super) fn put_back(&mut self, task: Task) {
        self.ready.push_front(task);
    }

    /// An input that is to be tried again, not before then.
    pub(super) fn try_again(&mut self, task: Task, at: Instant) {
        self.later.insert((at, task.index), task);
    }

    /// What to run now. What is to be tried again comes first, when its time has come.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let due = self.later.first_key_value().map(|((at, _), _)| *at);
        if due.is_some_and(|at| at <= now)
            && let Some((_, task)) = self.later.pop_first()
        {
            return Next::Run(task);
        }
        match (self.ready.pop_front(), due) {
            (Some(task), _) => Next::Run(task),
            (None, Some(at)) => Next::WaitUntil(at),
            (None, None) if self.is_closed => Next::End,
            (None, None) => Next::Wait,
        }
    }

    /// How many can be run now.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Everything that waits.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Task> {
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

    fn task(index: u64) -> Task {
        Task {
            index,
            payload: Payload::encode(&()).unwrap(),
            attempt: 1,
        }
    }

    fn index(next: Next) -> u64 {
        match next {
            Next::Run(task) => task.index,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn inputs_are_run_in_their_order_until_there_are_no_more() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert!(matches!(queue.next(now), Next::Wait));
        queue.push(task(0));
        queue.push(task(1));
        assert_eq!(index(queue.next(now)), 0);
        queue.put_back(task(0));
        assert_eq!(index(queue.next(now)), 0);
        queue.close();
        assert_eq!(index(queue.next(now)), 1);
        assert!(matches!(queue.next(now), Next::End));
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
        assert!(matches!(queue.next(now), Next::WaitUntil(at) if at == soon));
        assert_eq!(queue.drain().count(), 1);
        assert!(matches!(queue.next(now), Next::End));
    }
}
