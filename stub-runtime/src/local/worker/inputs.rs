//! Inputs of a worker, and the wait before the next one may begin.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::protocol::{Channel, ChannelError, Inbox, Input, ToWorker};
use crate::sys;

/// Maximum time to wait for a caller that doesn't read the output. Output may then be attributed to
/// the next input.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Inputs that the caller sends.
#[derive(Debug)]
pub(super) struct ReceivedInputs<'a> {
    caller: &'a Channel,
    inbox: Inbox,
    /// Inputs received before the message to go on.
    waiting: VecDeque<(Input, Vec<OwnedFd>)>,
    may_go_on: bool,
}

impl<'a> ReceivedInputs<'a> {
    pub(super) fn new(caller: &'a Channel) -> Self {
        Self {
            caller,
            inbox: Inbox::default(),
            waiting: VecDeque::new(),
            may_go_on: true,
        }
    }

    /// Returns the next input with its descriptors; nothing if there are no more.
    pub(super) fn next(&mut self) -> Result<Option<(Input, Vec<OwnedFd>)>, ChannelError> {
        loop {
            if self.may_go_on
                && let Some(next) = self.waiting.pop_front()
            {
                return Ok(Some(next));
            }
            match self.inbox.receive::<ToWorker>(self.caller) {
                Ok((ToWorker::GoOn, _)) => self.may_go_on = true,
                Ok((ToWorker::Run(input), beside)) => self.waiting.push_back((input, beside)),
                // It has said all it will, the word to go on included.
                Err(ChannelError::Closed) if !self.waiting.is_empty() => {
                    wait_for_reader();
                    self.may_go_on = true;
                }
                Err(ChannelError::Closed) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Holds the next input back until the caller's message to go on, if output is not read yet:
    /// later output belongs to that input. Returns whether that is so.
    pub(super) fn hold_if_printed(&mut self) -> bool {
        self.may_go_on = !has_printed();
        !self.may_go_on
    }
}

/// Returns whether output is not read yet.
fn has_printed() -> bool {
    sys::unread(std::io::stdout()) + sys::unread(std::io::stderr()) > 0
}

fn wait_for_reader() {
    let start = Instant::now();
    while has_printed() && start.elapsed() < LONGEST_WAIT {
        std::thread::sleep(Duration::from_micros(50));
    }
}
