//! The inputs of a worker, and when the next one may begin.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::protocol::{Channel, ChannelError, Inbox, Input, ToWorker};
use crate::sys;

/// A caller that doesn't read what is printed has other worries than whose the lines are.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What the caller sends.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    caller: &'a Channel,
    inbox: Inbox,
    /// Those that were given ahead of the word to go on.
    waiting: VecDeque<(Input, Vec<OwnedFd>)>,
    may_go_on: bool,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(caller: &'a Channel) -> Self {
        Self {
            caller,
            inbox: Inbox::default(),
            waiting: VecDeque::new(),
            may_go_on: true,
        }
    }

    /// The next one, with what came beside it; nothing if there are no more.
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

    /// Nothing begins before the caller says so, if something that was printed is not read yet: what comes
    /// after it is the next input's. Whether that is so.
    pub(super) fn hold_if_printed(&mut self) -> bool {
        self.may_go_on = !has_printed();
        !self.may_go_on
    }
}

/// Whether something that was printed is not read yet.
fn has_printed() -> bool {
    sys::unread(std::io::stdout()) + sys::unread(std::io::stderr()) > 0
}

fn wait_for_reader() {
    let start = Instant::now();
    while has_printed() && start.elapsed() < LONGEST_WAIT {
        std::thread::sleep(Duration::from_micros(50));
    }
}
