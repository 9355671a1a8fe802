//! Inputs that a thread of their own takes from their iterator.
//!
//! An iterator may wait for long: for a line of standard input, for a queue. Values that are ready, and the end of the
//! map, need not wait with it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::Told;
use crate::payload::Payload;

/// So many inputs are asked for at once, as long as they are small.
const MOST: usize = 16;

/// The next of a larger one is asked for when that is there.
const SMALL: u64 = 64 << 10;

/// Takes inputs when they are asked for. One that waits when the map is over stays so until there is one more.
#[derive(Debug)]
pub(crate) struct Feeder {
    wanted: Sender<usize>,
    /// Asked for, and not there.
    asked: usize,
    /// As far as is known.
    most: usize,
}

impl Feeder {
    /// Starts the thread, which tells the map of each input.
    ///
    /// # Errors
    /// The thread can't be started.
    pub(crate) fn start(
        map: Sender<Told>,
        mut inputs: impl Iterator<Item = io::Result<Payload>> + Send + 'static,
    ) -> io::Result<Self> {
        let (wanted, asked) = channel::<usize>();
        let thread = thread::Builder::new().name("stub-inputs".to_owned());
        let started = thread.spawn(move || {
            for count in asked {
                for _ in 0..count {
                    let told = match catch_unwind(AssertUnwindSafe(|| inputs.next())) {
                        Ok(Some(input)) => Told::Input(input),
                        Ok(None) => Told::NoMore,
                        Err(_) => Told::Unwatched("the iterator of its inputs"),
                    };
                    let is_last = !matches!(told, Told::Input(_));
                    if map.send(told).is_err() || is_last {
                        return;
                    }
                }
            }
        });
        started?;
        Ok(Self {
            wanted,
            asked: 0,
            most: 1,
        })
    }

    /// Asks for as many more as there is room for.
    pub(crate) fn ask(&mut self, held: usize, has_room: impl Fn(usize) -> bool) {
        let before = self.asked;
        while self.asked < self.most && has_room(held + self.asked) {
            self.asked += 1;
        }
        if self.asked > before {
            // One that is gone has told why.
            let _ = self.wanted.send(self.asked - before);
        }
    }

    /// One that was asked for is there.
    pub(crate) fn came(&mut self, input: &io::Result<Payload>) {
        self.asked = self.asked.saturating_sub(1);
        let is_small = input.as_ref().is_ok_and(|input| input.length() <= SMALL);
        self.most = if is_small { MOST } else { 1 };
    }
}
