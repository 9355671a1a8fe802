//! Frames on a stream socket.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sys::{self, SysError};

/// Maximum size of a message in bytes. An environment has at most a few megabytes, and values
/// travel as descriptors.
const LIMIT: usize = 64 << 20;

/// Size of the header before each message: its length in bytes (`u32`, little-endian) and its
/// number of descriptors.
pub(super) const HEADER: usize = 5;

/// End of a connection between two processes of this program.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// Reason for which a message could not be exchanged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    /// The other process is gone.
    #[error("the other process is gone")]
    Closed,
    /// The socket failed.
    #[error(transparent)]
    Socket(#[from] SysError),
    /// There is no other process.
    #[error("failed to start the other process: {0}")]
    NotStarted(String),
    /// The bytes are no message.
    #[error("failed to decode a message: {0}")]
    Malformed(String),
}

impl Channel {
    pub(crate) fn pair() -> Result<(Self, Self), SysError> {
        let (one, other) = sys::pair()?;
        Ok((Self(one), Self(other)))
    }

    /// Returns another handle on the same end.
    pub(crate) fn duplicate(&self) -> Result<Self, SysError> {
        sys::above_standard_streams(&self.0).map(Self)
    }

    /// Sends one message, with at most eight descriptors.
    pub(crate) fn send<T: Serialize>(
        &self,
        message: &T,
        with: &[BorrowedFd<'_>],
    ) -> Result<(), ChannelError> {
        let frame = frame(message, with.len())?;
        let mut sent = self.send_some(&frame, with)?;
        while sent < frame.len() {
            sent += self.send_some(&frame[sent..], &[])?;
        }
        Ok(())
    }

    fn send_some(&self, bytes: &[u8], with: &[BorrowedFd<'_>]) -> Result<usize, ChannelError> {
        sys::send(&self.0, bytes, with).map_err(|error| match error.errno {
            sys::Errno::EPIPE | sys::Errno::ECONNRESET => ChannelError::Closed,
            _ => ChannelError::Socket(error),
        })
    }

    /// Receives one message and its descriptors. Must not be used on a channel that has an `Inbox`.
    pub(crate) fn receive<T: DeserializeOwned>(&self) -> Result<(T, Vec<OwnedFd>), ChannelError> {
        let mut descriptors = Vec::new();
        let mut header = [0; HEADER];
        self.fill(&mut header, &mut descriptors)?;
        let (length, _) = opened(header)?;
        let mut body = vec![0; length];
        self.fill(&mut body, &mut descriptors)?;
        Ok((understood(&body)?, descriptors))
    }

    fn fill(&self, into: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> Result<(), ChannelError> {
        let mut filled = 0;
        while filled < into.len() {
            let (count, more) = sys::receive(&self.0, &mut into[filled..])?;
            if count == 0 {
                return Err(ChannelError::Closed);
            }
            filled += count;
            descriptors.extend(more);
        }
        Ok(())
    }

    /// Returns the approximate number of bytes sent that the other end has not read.
    pub(crate) fn unread(&self) -> usize {
        sys::unsent(&self.0)
    }

    /// Shuts down this end for sending. The other end sees that after it has read everything that was sent.
    pub(crate) fn say_no_more(&self) {
        sys::shut_down_writing(&self.0);
    }

    /// Ends the connection, even if other handles on this end exist.
    pub(crate) fn shut_down(&self) {
        sys::shut_down(&self.0);
    }
}

fn frame<T: Serialize>(message: &T, descriptors: usize) -> Result<Vec<u8>, ChannelError> {
    let mut frame = vec![0; HEADER];
    rmp_serde::encode::write_named(&mut frame, message)
        .map_err(|error| ChannelError::Malformed(error.to_string()))?;
    let length = frame.len() - HEADER;
    let Some(length) = u32::try_from(length).ok().filter(|_| length <= LIMIT) else {
        return Err(too_many(length));
    };
    frame[..4].copy_from_slice(&length.to_le_bytes());
    frame[4] = u8::try_from(descriptors).unwrap_or(u8::MAX);
    Ok(frame)
}

/// Parses a header: the length of a message, and the number of its descriptors.
pub(super) fn opened(header: [u8; HEADER]) -> Result<(usize, usize), ChannelError> {
    let [a, b, c, d, descriptors] = header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > LIMIT {
        return Err(too_many(length));
    }
    Ok((length, descriptors.into()))
}

pub(super) fn understood<T: DeserializeOwned>(body: &[u8]) -> Result<T, ChannelError> {
    rmp_serde::from_slice(body).map_err(|error| ChannelError::Malformed(error.to_string()))
}

fn too_many(bytes: usize) -> ChannelError {
    ChannelError::Malformed(format!("{bytes} bytes are too many"))
}

impl From<OwnedFd> for Channel {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl From<Channel> for OwnedFd {
    fn from(channel: Channel) -> Self {
        channel.0
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::{Read, Seek, Write};

    use super::*;
    use crate::protocol::Inbox;

    #[test]
    fn a_message_larger_than_the_socket_buffer_crosses_with_its_descriptor() {
        let (one, other) = Channel::pair().unwrap();
        let text = "x".repeat(3 << 20);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"beside it").unwrap();
        let sent = text.clone();
        let sender = std::thread::spawn(move || one.send(&sent, &[file.as_fd()]));
        let (received, descriptors): (String, _) = other.receive().unwrap();
        sender.join().unwrap().unwrap();
        assert_eq!(received, text);
        let [descriptor] = <[OwnedFd; 1]>::try_from(descriptors).unwrap();
        let mut file = std::fs::File::from(descriptor);
        file.rewind().unwrap();
        let mut beside = String::new();
        file.read_to_string(&mut beside).unwrap();
        assert_eq!(beside, "beside it");
    }

    #[test]
    fn descriptors_stay_with_their_own_message() {
        let (one, other) = Channel::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        one.send(&1_u8, &[]).unwrap();
        one.send(&2_u8, &[file.as_fd()]).unwrap();
        one.send(&3_u8, &[]).unwrap();
        let counts: Vec<(u8, usize)> = (0..3)
            .map(|_| {
                other
                    .receive::<u8>()
                    .map(|(value, fds)| (value, fds.len()))
                    .unwrap()
            })
            .collect();
        assert_eq!(counts, [(1, 0), (2, 1), (3, 0)]);
        for message in 1..=3_u8 {
            one.send(&message, &vec![file.as_fd(); message.into()])
                .unwrap();
        }
        let mut inbox = Inbox::default();
        for message in 1..=3_u8 {
            let (value, fds) = inbox.receive::<u8>(&other).unwrap();
            assert_eq!((value, fds.len()), (message, message.into()));
        }
        assert!(!inbox.has_message());
    }

    #[test]
    fn what_nobody_has_read_can_be_told() {
        let (one, other) = Channel::pair().unwrap();
        assert_eq!(one.unread(), 0);
        one.send(&"x".repeat(1000), &[]).unwrap();
        assert!(one.unread() >= 1000);
        other.receive::<String>().unwrap();
        assert_eq!(one.unread(), 0);
    }

    #[test]
    fn the_end_of_the_other_process_and_nonsense_are_errors() {
        let (one, other) = Channel::pair().unwrap();
        sys::send(&one, &[u8::MAX; HEADER], &[]).unwrap();
        assert!(matches!(
            other.receive::<u8>(),
            Err(ChannelError::Malformed(_))
        ));
        drop(one);
        assert!(matches!(other.receive::<u8>(), Err(ChannelError::Closed)));
        assert!(matches!(other.send(&1_u8, &[]), Err(ChannelError::Closed)));
    }
}
