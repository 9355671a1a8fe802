//! Measurements of the link to the store: time to the first byte, and rates. No I/O, no clock.
//!
//! Estimates rise at once and fall slowly. While as much arrives as ever, they don't fall at all: more
//! bodies then share one link, and a slower body says nothing about the link.

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
    /// Rate of all bodies together, in bytes a second.
    pub rate: u64,
}

/// Estimates of a link's properties. Times are since any fixed moment.
#[derive(Clone, Debug, Default)]
pub struct LinkMeter {
    first: Option<Duration>,
    bodies: u32,
    first_byte: Option<Estimate>,
    body_rate: Option<Estimate>,
    rate: Option<f64>,
    interval: Option<Interval>,
    is_full: bool,
}

#[derive(Clone, Copy, Debug)]
struct Estimate {
    value: f64,
    at: Duration,
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
        let lowest = f64::min;
        self.first_byte = Some(update(self.first_byte, now, wait, lowest, self.is_full));
    }

    /// Records the rest of a body after its first piece.
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn on_body(&mut self, now: Duration, bytes: u64, time: Duration) {
        self.first.get_or_insert(now);
        self.bodies = self.bodies.saturating_add(1);
        let sample = bytes as f64 / time.as_secs_f64().max(1e-6);
        let highest = f64::max;
        self.body_rate = Some(update(self.body_rate, now, sample, highest, self.is_full));
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
        Some(Link {
            first_byte: Duration::from_secs_f64(self.first_byte?.value),
            body_rate: body_rate as u64,
            rate: self.rate.unwrap_or(0.0).max(body_rate) as u64,
        })
    }
}

/// Moves an estimate to the better of it and a sample; towards a worse one slowly, and not at all
/// while the link is full.
fn update(
    known: Option<Estimate>,
    now: Duration,
    sample: f64,
    better: fn(f64, f64) -> f64,
    is_full: bool,
) -> Estimate {
    let Some(Estimate { value, at }) = known else {
        return Estimate {
            value: sample,
            at: now,
        };
    };
    let age = now.saturating_sub(at).as_secs_f64();
    let share = if is_full {
        1.0
    } else {
        (-age / BODY_FALLS).exp()
    };
    // Half of the way: one odd sample is no measurement.
    let toward = f64::midpoint(value, sample);
    let is_better = better(value, sample).to_bits() == sample.to_bits();
    let value = if is_better {
        toward
    } else {
        sample + (value - sample) * share
    };
    Estimate { value, at: now }
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
    fn silence_is_no_slow_link() {
        let mut meter = LinkMeter::default();
        bodies(&mut meter, 0, 10_000, 40, 50);
        let before = meter.link(at(10_000)).unwrap();
        meter.on_bytes(at(100_000), 4 * MB);
        assert_eq!(meter.link(at(100_000)).unwrap(), before);
    }
}
