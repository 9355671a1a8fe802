//! Limits of read-ahead: window and part length of a stream, from the measured link, the memory and
//! the number of streams. No I/O.
//!
//! A window of three times the bandwidth-delay product keeps the link nearly full even if all its bodies
//! begin and end together, and lets a stream that it limits become three times as fast. While the link is
//! not known, the window is one that fills most links.

use std::time::Duration;

use crate::read::link::Link;

/// Length of the first request, in bytes, before the access pattern is known.
pub const FIRST: u64 = 512 << 10;

/// Largest step back, in bytes, within one window. Blocks are held this far behind the reads.
pub const BACK: u64 = 1 << 20;

/// Window of a link that is not known, in bytes, and largest one without need: sixteen parts.
const BASE: u64 = 64 << 20;

/// Length of most parts, in bytes. Larger ones would leave fewer connections to share the window;
/// smaller ones cost more requests.
pub const PART: u64 = 4 << 20;

/// Smallest window of a known link if there is memory for it, in bytes: the number of requests for a
/// file does not depend on the link.
const LEAST: u64 = 3 * PART;

/// Window of a known link, as a multiple of its bandwidth-delay product.
const GAIN: u64 = 3;

/// Slowest rate of a body that is limited by its connection, in bytes a second. Slower ones share a slow link, and
/// more of them would be slower still.
const SLOWEST: u64 = 1_000_000;

/// Largest part, in bytes.
const LARGEST_PART: u64 = 64 << 20;

/// Time in which the base windows of all streams arrive: on a slow link, whatever is requested next
/// waits for them. Some more is no harm, if parts have their full length for it.
const QUEUE: Duration = Duration::from_secs(1);

/// Maximum memory and number of requests of all streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Memory, in bytes.
    pub memory: u64,
    /// Number of bodies at once.
    pub bodies: u64,
}

/// Number of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Streams that were read lately, which share the memory.
    pub active: u64,
    /// Streams whose reads had to wait lately, which share the link.
    pub waiting: u64,
}

/// Limits of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest window, in bytes; [`FIRST`] at least.
    pub window: u64,
    /// Largest part, in bytes.
    pub part: u64,
}

impl Limits {
    /// Returns the limits of a stream.
    pub fn new(link: Option<Link>, room: Room, demand: Demand) -> Self {
        let waiting = demand.waiting.max(1);
        let wanted = link.map_or(BASE, |link| {
            let whole = over(link.rate, QUEUE);
            let queue = (whole / waiting)
                .max(whole.min(4 * PART))
                .clamp(LEAST, BASE);
            // The part that is being read lies before the window.
            let whole = product(link).saturating_mul(GAIN).saturating_sub(PART);
            queue.max(whole / waiting)
        });
        let window = wanted.min(share(room, demand)).max(FIRST);
        let bodies = (room.bodies / waiting).max(1);
        let part = (window / bodies).clamp(1, LARGEST_PART).next_power_of_two();
        Self {
            window,
            part: part.clamp(PART, LARGEST_PART),
        }
    }
}

/// Returns the largest window, in bytes, with which all streams fit into the memory: each also holds
/// what lies just behind its reads, and the rest of a part that begins within its window.
fn share(room: Room, demand: Demand) -> u64 {
    let each = (room.memory / demand.active.max(1)).saturating_sub(BACK);
    (each - PART.min(each / 3)).min(room.memory / 2)
}

/// Returns the number of bytes in flight that keep a link full: those that arrive until a part that is
/// requested now is complete.
fn product(link: Link) -> u64 {
    let body_rate = link.body_rate.max(SLOWEST.min(link.rate)).max(1);
    let bodies = link.rate.div_ceil(body_rate);
    over(link.rate, link.first_byte).saturating_add(bodies.saturating_mul(PART))
}

/// Returns the number of bytes that arrive at a rate over a time.
fn over(rate: u64, time: Duration) -> u64 {
    let bytes = u128::from(rate) * time.as_micros() / 1_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ByteRange;
    use crate::read::window::Window;

    const MIB: u64 = 1 << 20;

    fn limits(link: Option<Link>, memory: u64, streams: u64) -> Limits {
        let room = Room {
            memory: memory * MIB,
            bodies: 3 * memory / 4,
        };
        let demand = Demand {
            active: streams,
            waiting: streams,
        };
        Limits::new(link, room, demand)
    }

    fn link(milliseconds: u64, body_rate: u64, rate: u64) -> Link {
        Link {
            first_byte: Duration::from_millis(milliseconds),
            body_rate: body_rate * MIB,
            rate: rate * MIB,
        }
    }

    #[test]
    fn a_link_that_is_not_known_gets_sixteen_parts() {
        let expected = Limits {
            window: 64 * MIB,
            part: PART,
        };
        assert_eq!(limits(None, 128, 1), expected);
        assert_eq!(limits(None, 4096, 1), expected);
        assert_eq!(limits(None, 16, 1).window, 8 * MIB);
        assert_eq!(limits(None, 0, 1).window, FIRST);
    }

    #[test]
    fn a_near_server_gets_no_more_than_before_it_was_known() {
        for streams in [1, 4] {
            let near = limits(Some(link(1, 300, 900)), 1024, streams);
            assert_eq!(near, limits(None, 1024, streams));
        }
    }

    #[test]
    fn a_far_fast_link_gets_a_window_that_fills_it() {
        let far = limits(Some(link(100, 20, 1200)), 4096, 1);
        assert!(far.window > 2 * 1200 * MIB * 3 / 10, "{far:?}");
        assert_eq!(far.part, PART);
        let shared = limits(Some(link(100, 20, 1200)), 4096, 16);
        assert_eq!(shared.window, far.window / 16);
    }

    #[test]
    fn parts_are_longer_where_bodies_are_few() {
        let room = Room {
            memory: 64 << 30,
            bodies: 512,
        };
        let demand = Demand {
            active: 1,
            waiting: 1,
        };
        let limits = Limits::new(Some(link(200, 90, 20_000)), room, demand);
        assert!(limits.window / limits.part <= 512, "{limits:?}");
        assert!(limits.part > PART);
    }

    #[test]
    fn streams_fit_into_the_memory() {
        for streams in 1..64 {
            let limits = limits(Some(link(100, 20, 5000)), 512, streams);
            let each = limits.window + BACK + PART.min(limits.window / 2);
            // Rounding is a byte.
            assert!(streams * (each - 1) <= 512 * MIB, "{streams}: {limits:?}");
        }
    }

    #[test]
    fn parts_of_a_slow_machine_have_their_full_length() {
        // A window is four parts.
        assert!(limits(Some(link(5, 20, 20)), 128, 4).window >= 4 * PART);
    }

    #[test]
    fn bodies_that_share_a_slow_link_are_no_reason_for_more() {
        let slow = Link {
            first_byte: Duration::from_millis(50),
            body_rate: 60_000,
            rate: 1_000_000,
        };
        assert_eq!(limits(Some(slow), 1024, 1).window, 3 * PART);
    }

    #[test]
    fn a_slow_link_and_many_readers_get_parts_of_their_full_length() {
        for (link, streams) in [
            (None, 10),
            (Some(link(5, 20, 20)), 10),
            (Some(link(200, 0, 0)), 1),
        ] {
            let limits = limits(link, 128, streams);
            let mut window = Window::from_the_beginning();
            let read = |n| ByteRange::at(n * FIRST, FIRST).unwrap();
            (0..64).for_each(|n| window.observe(read(n), limits));
            assert_eq!(window.part_length(0, limits), PART, "{limits:?}");
        }
    }
}
