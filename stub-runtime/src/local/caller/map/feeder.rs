//! Inputs that a thread of their own takes from their iterator.
//!
//! An iterator may wait for long: for a line of standard input, for a queue. Values that are ready,
//! and the end of the map, need not wait with it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::shared::MapMessage;
use crate::codec::Payload;

/// Maximum number of small inputs requested from the iterator at once.
const MOST: usize = 16;

/// Maximum size, in bytes, of a small input. After a larger one, inputs are requested one by one.
const SMALL: u64 = 64 << 10;

/// Takes inputs from their iterator on request. When the map ends, a blocked iterator holds its
/// thread until its next item.
#[derive(Debug)]
pub(crate) struct Feeder {
    wanted: Sender<usize>,
    /// Number of inputs requested and not yet received.
    asked: usize,
    /// Current limit on requested inputs: [`MOST`] after a small input, else 1.
    most: usize,
}

impl Feeder {
    /// Starts the thread, which sends the map each input.
    ///
    /// # Errors
    /// The thread can't be started.
    pub(crate) fn start(
        map: Sender<MapMessage>,
        mut inputs: impl Iterator<Item = io::Result<Payload>> + Send + 'static,
    ) -> io::Result<Self> {
        let (wanted, asked) = channel::<usize>();
        let thread = thread::Builder::new().name("stub-inputs".to_owned());
        let started = thread.spawn(move || {
            for count in asked {
                for _ in 0..count {
                    let told = match catch_unwind(AssertUnwindSafe(|| inputs.next())) {
                        Ok(Some(input)) => MapMessage::Input(input),
                        Ok(None) => MapMessage::NoMore,
                        Err(_) => MapMessage::Unwatched("the iterator of its inputs"),
                    };
                    let is_last = !matches!(told, MapMessage::Input(_));
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

    /// Requests as many more inputs as there is room for.
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

    /// Records a requested input that has been received.
    pub(crate) fn came(&mut self, input: &io::Result<Payload>) {
        self.asked = self.asked.saturating_sub(1);
        let is_small = input.as_ref().is_ok_and(|input| input.length() <= SMALL);
        self.most = if is_small { MOST } else { 1 };
    }
}
