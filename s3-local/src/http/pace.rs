//! Throttling of a body to the bandwidth in force.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};

/// Pieces per second of a throttled body: often enough for a smooth flow.
const PIECES_PER_SECOND: u64 = 100;

/// Throttle of one body.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Time at which all bytes passed so far would have been transmitted.
    free_at: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// Takes the next piece off `pending`, which is not empty, as soon as it is due.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        pending: &mut Bytes,
        bandwidth: Option<u64>,
    ) -> Poll<Bytes> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        let Some(bandwidth) = bandwidth else {
            self.free_at = None;
            return Poll::Ready(std::mem::take(pending));
        };
        let piece = pending.split_to(piece_size(bandwidth, pending.len()));
        let now = Instant::now();
        let free_at = self.free_at.unwrap_or(now).max(now) + transmission(piece.len(), bandwidth);
        self.free_at = Some(free_at);
        self.sleep = Some(Box::pin(tokio::time::sleep_until(free_at)));
        Poll::Ready(piece)
    }

    /// Waits until the last piece has been transmitted.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }
}

fn piece_size(bandwidth: u64, available: usize) -> usize {
    let size = usize::try_from(bandwidth / PIECES_PER_SECOND).unwrap_or(usize::MAX);
    size.clamp(1, 1024 * 1024).min(available)
}

fn transmission(bytes: usize, bandwidth: u64) -> Duration {
    let nanos = bytes as u128 * 1_000_000_000 / u128::from(bandwidth.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_pieces_has_the_bytes_of_the_bandwidth() {
        for bandwidth in [1, 99, 1_000, 90_000_000, 10_000_000_000] {
            let piece = piece_size(bandwidth, usize::MAX);
            let total: Duration = transmission(usize::try_from(bandwidth).unwrap_or(0), bandwidth);
            assert_eq!(total, Duration::from_secs(1));
            assert!((1..=1024 * 1024).contains(&piece));
        }
        assert_eq!(piece_size(1_000_000, 10), 10);
    }
}
