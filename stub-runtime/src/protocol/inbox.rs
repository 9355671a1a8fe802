//! Buffered receiver of a channel's messages.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use serde::de::DeserializeOwned;

use super::channel::{Channel, ChannelError, HEADER, opened, understood};
use crate::sys;

/// Maximum number of bytes taken from the socket at once.
const CHUNK: usize = 64 << 10;

/// Bytes and descriptors received on a channel. All its messages must be received through one inbox.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    /// Offset up to which messages have been returned.
    start: usize,
    /// Descriptors, in the order of their messages.
    descriptors: VecDeque<OwnedFd>,
}

impl Inbox {
    /// Returns whether the next message is here completely.
    pub(crate) fn has_message(&self) -> bool {
        matches!(self.next_length(), Ok(Some(length)) if self.held() >= HEADER + length)
    }

    /// Returns the next message and its descriptors; waits for it if it isn't here.
    pub(crate) fn receive<T: DeserializeOwned>(
        &mut self,
        channel: &Channel,
    ) -> Result<(T, Vec<OwnedFd>), ChannelError> {
        loop {
            let needed = HEADER + self.next_length()?.unwrap_or(0);
            if self.held() >= needed && needed > HEADER {
                return self.take(needed);
            }
            self.fill(channel, needed)?;
        }
    }

    fn held(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Returns the length of the next message, if its header is here. No message is empty.
    fn next_length(&self) -> Result<Option<usize>, ChannelError> {
        let Some(header) = self.bytes[self.start..].first_chunk::<HEADER>() else {
            return Ok(None);
        };
        opened(*header).map(|(length, _)| Some(length))
    }

    fn take<T: DeserializeOwned>(
        &mut self,
        needed: usize,
    ) -> Result<(T, Vec<OwnedFd>), ChannelError> {
        let frame = &self.bytes[self.start..self.start + needed];
        let count = usize::from(frame[HEADER - 1]).min(self.descriptors.len());
        let message = understood(&frame[HEADER..])?;
        self.start += needed;
        Ok((message, self.descriptors.drain(..count).collect()))
    }

    fn fill(&mut self, channel: &Channel, needed: usize) -> Result<(), ChannelError> {
        self.bytes.drain(..self.start);
        self.start = 0;
        let held = self.bytes.len();
        self.bytes.resize(needed.max(held + CHUNK), 0);
        let received = sys::receive(channel, &mut self.bytes[held..]);
        let (count, descriptors) = received.inspect_err(|_| self.bytes.truncate(held))?;
        self.bytes.truncate(held + count);
        self.descriptors.extend(descriptors);
        if count == 0 {
            return Err(ChannelError::Closed);
        }
        Ok(())
    }
}
