//! Measurements of the link to the store: time to the first byte, and rates. No I/O, no clock.
//!
//! Estimates of single bodies rise at once and fall slowly. While as much arrives as ever, they hardly fall:
//! more bodies then share one link, and a slower body says little about the link. Bytes that waited in a
//! socket while nobody asked for them seem to arrive in no time: a better rate needs several bodies to
//! confirm it.

use std::time::Duration;

/// Interval over which a rate is measured.
const INTERVAL: Duration = Duration::from_millis(250);

/// Longest silence within an interval. A longer one means that nobody reads.
const SILENCE: Duration = Duration::from_secs(1);

/// Time in which the rate of the link falls to a third, if less arrives.
const RATE_FALLS: f64 = 5.0;

/// Time in which the estimates of single bodies fall to a third.
const BODY_FALLS: f64 = 30.0;

/// Share of the highest rate at which the link counts as full.
const FULL: f64 = 0.8;

/// Ratio of an estimate to a sample beyond which it falls while the link is full, too. It is larger than the
/// gain of windows: otherwise more bodies would make slower bodies, and these even more bodies.
const FAR_OFF: f64 = 4.0;

/// Number of bodies in a row that confirm a better rate.
const CONFIRMING: usize = 3;

/// Shortest time of a body that is measured: shorter ones were waiting in the socket, or the link needs
/// no large window.
const SHORTEST: Duration = Duration::from_millis(10);

/// Maximum ratio of the time to the first byte to the shortest one of the last minutes. The rest of it
/// is a queue.
const QUEUEING: f64 = 4.0;

/// Half of the time for which the shortest time to the first byte counts.
const LOWEST_FOR: Duration = Duration::from_mins(1);

/// Number of bodies, and time since the first one, before the estimates are used: connections are
/// slow at first.
const BODIES: u32 = 8;
const AGE: Duration = Duration::from_secs(2);

/// Properties of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Time from a request to the first byte of its body.
    pub first_byte: Duration,
    /// Rate of a single body, in bytes a second.
    pub body_rate: u64,
    /// Rate of all bodies together, in bytes a second; at least that of a single body.
    pub rate: u64,
}

/// Estimates of a link's properties. Times are since any fixed moment.
#[derive(Clone, Debug, Default)]
pub struct LinkMeter {
    first: Option<Duration>,
    bodies: u32,
    first_byte: Option<Estimate>,
    lowest: Lowest,
    body_rate: Option<Estimate>,
    /// Rates of the last bodies.
    last: [f64; CONFIRMING],
    rate: Option<f64>,
    interval: Option<Interval>,
    is_full: bool,
}

#[derive(Clone, Copy, Debug)]
struct Estimate {
    value: f64,
    at: Duration,
}

/// Shortest time to the first byte in this period and in the last one, in seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Lowest {
    period: u64,
    current: Option<f64>,
    previous: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Interval {
    start: Duration,
    last: Duration,
    bytes: u64,
}

impl LinkMeter {
    /// Records bytes of any body.
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn on_bytes(&mut self, now: Duration, bytes: u64) {
        let fresh = Interval {
            start: now,
            last: now,
            bytes: 0,
        };
        let interval = self
            .interval
            .filter(|interval| now.saturating_sub(interval.last) < SILENCE);
        let mut interval = interval.unwrap_or(fresh);
        interval.bytes += bytes;
        interval.last = now;
        let time = now.saturating_sub(interval.start);
        if time >= INTERVAL {
            let sample = interval.bytes as f64 / time.as_secs_f64();
            let rate = self.rate.unwrap_or(0.0);
            self.is_full = sample >= FULL * rate;
            let share = (-time.as_secs_f64() / RATE_FALLS).exp();
            self.rate = Some(sample.max(sample + (rate - sample) * share));
            interval = fresh;
        }
        self.interval = Some(interval);
    }

    /// Records the time from a request to the first byte of its body.
    pub fn on_first_byte(&mut self, now: Duration, wait: Duration) {
        let wait = wait.as_secs_f64();
        self.lowest.add(now, wait);
        let target = if self.is_full { wait / FAR_OFF } else { wait };
        let before = self.first_byte;
        let value = update(before, now, wait, target, f64::min);
        self.first_byte = Some(Estimate { value, at: now });
    }

    /// Records the rest of a body after its first piece.
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn on_body(&mut self, now: Duration, bytes: u64, time: Duration) {
        self.first.get_or_insert(now);
        self.bodies = self.bodies.saturating_add(1);
        let sample = bytes as f64 / time.max(SHORTEST).as_secs_f64();
        if self.bodies == 1 {
            self.last = [sample; CONFIRMING];
        }
        self.last.rotate_left(1);
        self.last[CONFIRMING - 1] = sample;
        let confirmed = self.last.into_iter().fold(f64::INFINITY, f64::min);
        let target = if self.is_full {
            FAR_OFF * sample
        } else {
            sample
        };
        let before = self.body_rate;
        let value = update(before, now, confirmed, target, f64::max);
        self.body_rate = Some(Estimate { value, at: now });
    }

    /// Returns the estimates; `None` while too little has arrived.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, which is positive"
    )]
    pub fn link(&self, now: Duration) -> Option<Link> {
        let is_known = self.bodies >= BODIES && now.saturating_sub(self.first?) >= AGE;
        let body_rate = self.body_rate.filter(|_| is_known)?.value;
        // That of all bodies is over longer times, so it is the sound one.
        let rate = self.rate.unwrap_or(body_rate);
        let most = self
            .lowest
            .get()
            .map_or(f64::INFINITY, |low| QUEUEING * low);
        Some(Link {
            first_byte: Duration::from_secs_f64(self.first_byte?.value.min(most)),
            body_rate: body_rate.min(rate) as u64,
            rate: rate as u64,
        })
    }
}

impl Lowest {
    fn add(&mut self, now: Duration, wait: f64) {
        let period = now.as_secs() / LOWEST_FOR.as_secs();
        if period != self.period {
            let was_last = period == self.period + 1;
            self.previous = self.current.filter(|_| was_last);
            self.current = None;
            self.period = period;
        }
        self.current = Some(self.current.map_or(wait, |low| low.min(wait)));
    }

    fn get(&self) -> Option<f64> {
        let both = [self.current, self.previous].into_iter().flatten();
        both.reduce(f64::min)
    }
}

/// Moves an estimate half of the way to a better sample. Slowly lets it fall to `target` if it is better
/// than that.
fn update(
    known: Option<Estimate>,
    now: Duration,
    sample: f64,
    target: f64,
    better: fn(f64, f64) -> f64,
) -> f64 {
    let Some(Estimate { value, at }) = known else {
        return sample;
    };
    let is_better = |one: f64, other: f64| better(one, other).to_bits() == one.to_bits();
    if is_better(sample, value) {
        return f64::midpoint(value, sample);
    }
    if is_better(target, value) {
        return value;
    }
    let age = now.saturating_sub(at).as_secs_f64();
    target + (value - target) * (-age / BODY_FALLS).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Records bodies of 4 MB, of which one ends every `every` milliseconds, at `rate`
    /// MB a second.
    fn bodies(meter: &mut LinkMeter, from: u64, until: u64, every: usize, rate: u32) {
        for now in (from..until).step_by(every) {
            meter.on_first_byte(at(now), at(100));
            meter.on_bytes(at(now), 4 * MB);
            meter.on_body(at(now), 4 * MB, Duration::from_secs(4) / rate);
        }
    }

    #[test]
    fn a_link_is_known_after_some_bodies_and_some_time() {
        let mut meter = LinkMeter::default();
        bodies(&mut meter, 0, 1900, 10, 20);
        assert_eq!(meter.link(at(1900)), None);
        bodies(&mut meter, 1900, 2100, 10, 20);
        let link = meter.link(at(2100)).unwrap();
        assert_eq!(link.first_byte, at(100));
        assert_eq!(link.body_rate, 20 * MB);
        assert!((360 * MB..440 * MB).contains(&link.rate), "{link:?}");
    }

    #[test]
    fn bodies_that_share_a_full_link_do_not_make_it_slower() {
        let mut meter = LinkMeter::default();
        bodies(&mut meter, 0, 10_000, 40, 50);
        // Twice as many at half the rate, for minutes.
        bodies(&mut meter, 10_000, 300_000, 40, 25);
        let link = meter.link(at(300_000)).unwrap();
        assert!(link.body_rate > 48 * MB, "{link:?}");
    }

    #[test]
    fn a_link_that_becomes_slower_is_noticed() {
        let mut meter = LinkMeter::default();
        bodies(&mut meter, 0, 10_000, 40, 50);
        bodies(&mut meter, 10_000, 70_000, 400, 5);
        let link = meter.link(at(70_000)).unwrap();
        assert!(link.rate < 30 * MB, "{link:?}");
    }

    #[test]
    fn bytes_that_waited_in_a_socket_are_no_fast_link() {
        let mut meter = LinkMeter::default();
        bodies(&mut meter, 0, 10_000, 40, 20);
        let before = meter.link(at(10_000)).unwrap();
        for now in (10_000..26_000).step_by(160) {
            // One or two of six.
            meter.on_body(at(now), 4 * MB, Duration::from_micros(10));
            if now % 320 == 0 {
                meter.on_body(at(now), 4 * MB, Duration::from_micros(10));
            }
            bodies(&mut meter, now, now + 160, 40, 20);
        }
        let after = meter.link(at(26_000)).unwrap();
        assert!(after.body_rate <= 20 * MB, "{after:?}");
        assert!(after.rate < before.rate * 11 / 10, "{after:?}");
    }

    #[test]
    fn an_estimate_that_is_far_off_falls_while_the_link_is_full() {
        let mut meter = LinkMeter::default();
        bodies(&mut meter, 0, 3000, 40, 400);
        bodies(&mut meter, 3000, 200_000, 40, 5);
        let link = meter.link(at(200_000)).unwrap();
        assert!(link.body_rate <= 21 * MB, "{link:?}");
        let mut meter = LinkMeter::default();
        meter.on_first_byte(at(0), at(1));
        bodies(&mut meter, 0, 200_000, 40, 20);
        let link = meter.link(at(200_000)).unwrap();
        assert!(link.first_byte >= at(24), "{link:?}");
    }

    #[test]
    fn a_link_is_no_faster_than_what_arrives() {
        let mut meter = LinkMeter::default();
        // A tenth of the time is in bodies, each at 40 MB/s.
        bodies(&mut meter, 0, 10_000, 900, 40);
        let link = meter.link(at(10_000)).unwrap();
        assert!(link.rate <= 6 * MB, "{link:?}");
        assert!(link.body_rate <= link.rate, "{link:?}");
    }

    #[test]
    fn queues_are_no_distance() {
        let mut meter = LinkMeter::default();
        bodies(&mut meter, 0, 10_000, 400, 5);
        for now in (10_000..60_000).step_by(400) {
            meter.on_first_byte(at(now), Duration::from_secs(10));
            meter.on_bytes(at(now), MB);
            meter.on_body(at(now), MB, at(800));
        }
        let link = meter.link(at(60_000)).unwrap();
        assert!(link.first_byte <= at(400), "{link:?}");
    }

    #[test]
    fn silence_is_no_slow_link() {
        let mut meter = LinkMeter::default();
        bodies(&mut meter, 0, 10_000, 40, 50);
        let before = meter.link(at(10_000)).unwrap();
        meter.on_bytes(at(100_000), 4 * MB);
        assert_eq!(meter.link(at(100_000)).unwrap(), before);
    }
}
