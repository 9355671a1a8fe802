//! Request rate of a server that throttles, as the mounts of a process share it. No I/O.
//!
//! As in TCP, the rate falls by 30 % when a tenth of the requests is refused. Then it doubles each
//! second up to the rate it fell to, and grows slowly beyond. Single refusals are normal: those
//! requests are retried, and the others continue.

use std::time::Duration;

use tokio::time::Instant;

/// Minimum rate in requests per second, however often the server refuses.
const MIN_RATE: f64 = 4.0;

/// Rate in requests per second assumed at the first fall, if fewer requests were answered.
const ASSUMED_RATE: f64 = 256.0;

/// Minimum share of refusals, of all responses, that lowers the rate.
const TOO_MANY: f64 = 0.1;

/// Minimum number of refusals that lowers the rate.
const SEVERAL: u32 = 5;

/// Factor by which the rate falls.
const FALL: f64 = 0.7;

/// Minimum time between two falls: requests refused sooner were sent before the rate fell.
const FALL_INTERVAL: Duration = Duration::from_secs(1);

/// Growth per answered request above the threshold: 10 % per second.
const SLOW_GROWTH: f64 = 0.1;

/// Time without a refusal after which there is no limit.
const RELEASE: Duration = Duration::from_mins(1);

/// Request rate, unlimited until the first fall.
#[derive(Debug)]
pub(super) struct Rate {
    limited: Option<Limited>,
    window: Window,
}

#[derive(Debug)]
struct Limited {
    /// Requests per second.
    rate: f64,
    /// Rate up to which `rate` doubles each second.
    threshold: f64,
    fell: Instant,
    answered: bool,
}

/// Responses of this second and the one before.
#[derive(Debug)]
struct Window {
    began: Instant,
    present: Answers,
    before: Answers,
}

#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    good: u32,
    refused: u32,
}

impl Window {
    fn advance(&mut self, now: Instant) {
        let passed = now.duration_since(self.began).as_secs();
        if passed > 0 {
            let present = std::mem::take(&mut self.present);
            self.before = if passed == 1 {
                present
            } else {
                Answers::default()
            };
            self.began = now;
        }
    }

    fn has_many_refusals(&self) -> bool {
        let refused = self.present.refused + self.before.refused;
        let all = refused + self.present.good + self.before.good;
        refused >= SEVERAL && f64::from(refused) > TOO_MANY * f64::from(all)
    }
}

impl Rate {
    /// Creates a rate without limit.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            limited: None,
            window: Window {
                began: now,
                present: Answers::default(),
                before: Answers::default(),
            },
        }
    }

    /// Returns the time between two requests; `None` without a limit.
    pub(super) fn interval(&self) -> Option<Duration> {
        let limited = self.limited.as_ref()?;
        Some(Duration::from_secs_f64(1.0 / limited.rate))
    }

    /// Records that the server refused a request as too many, and lowers the rate if it did so
    /// often.
    pub(super) fn refused(&mut self, now: Instant) {
        self.window.advance(now);
        let refused = &mut self.window.present.refused;
        *refused = refused.saturating_add(1);
        if !self.window.has_many_refusals() {
            return;
        }
        let measured = f64::from(self.window.present.good.max(self.window.before.good));
        let Some(limited) = &mut self.limited else {
            let rate = measured.max(ASSUMED_RATE) * FALL;
            self.limited = Some(Limited {
                rate,
                threshold: rate,
                fell: now,
                answered: false,
            });
            return;
        };
        if now.duration_since(limited.fell) < FALL_INTERVAL {
            return;
        }
        limited.rate = (limited.rate * FALL).max(MIN_RATE);
        // Without an answered request since the last fall, the threshold is still the best estimate.
        if limited.answered {
            limited.threshold = limited.rate;
        }
        (limited.fell, limited.answered) = (now, false);
    }

    /// Records an answered request, and raises the rate.
    pub(super) fn answered(&mut self, now: Instant) {
        self.window.advance(now);
        let good = &mut self.window.present.good;
        *good = good.saturating_add(1);
        let Some(limited) = &mut self.limited else {
            return;
        };
        if now.duration_since(limited.fell) >= RELEASE {
            self.limited = None;
            return;
        }
        limited.answered = true;
        limited.rate += if limited.rate < limited.threshold {
            1.0
        } else {
            SLOW_GROWTH
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_second(rate: &Rate) -> f64 {
        1.0 / rate.interval().unwrap().as_secs_f64()
    }

    /// Refuses 64 requests a second for this many seconds.
    fn refuse(rate: &mut Rate, now: &mut Instant, seconds: u32) {
        for _ in 0..seconds {
            for _ in 0..64 {
                rate.refused(*now);
            }
            *now += Duration::from_secs(1);
        }
    }

    /// Answers every request that the rate permits for a second.
    fn answer_for_a_second(rate: &mut Rate, now: &mut Instant) {
        let end = *now + Duration::from_secs(1);
        while let Some(interval) = rate.interval().filter(|interval| *now + *interval < end) {
            *now += interval;
            rate.answered(*now);
        }
        *now = end;
    }

    #[test]
    fn refusals_that_come_together_lower_the_rate_once() {
        let mut now = Instant::now();
        let mut rate = Rate::new(now);
        assert_eq!(rate.interval(), None);
        refuse(&mut rate, &mut now, 1);
        assert!((per_second(&rate) - ASSUMED_RATE * FALL).abs() < 0.1);
        refuse(&mut rate, &mut now, 1);
        assert!((per_second(&rate) - ASSUMED_RATE * FALL * FALL).abs() < 0.1);
    }

    #[test]
    fn the_rate_never_falls_to_nothing_and_is_back_within_seconds() {
        let mut now = Instant::now();
        let mut rate = Rate::new(now);
        refuse(&mut rate, &mut now, 30);
        assert!((per_second(&rate) - MIN_RATE).abs() < 0.1);
        for _ in 0..7 {
            answer_for_a_second(&mut rate, &mut now);
        }
        assert!(per_second(&rate) > 100.0, "{}", per_second(&rate));
    }

    #[test]
    fn single_refusals_among_many_answers_change_nothing() {
        let mut now = Instant::now();
        let mut rate = Rate::new(now);
        for number in 0..10_000 {
            now += Duration::from_millis(1);
            if number % 20 == 0 {
                rate.refused(now);
            } else {
                rate.answered(now);
            }
        }
        assert_eq!(rate.interval(), None);
    }

    #[test]
    fn a_server_that_takes_so_many_gets_about_as_many() {
        let mut now = Instant::now();
        let mut rate = Rate::new(now);
        let (mut answered, mut refused) = (0, 0);
        for _ in 0..50 {
            let end = now + Duration::from_secs(1);
            let mut taken = 0;
            while now < end {
                now += rate.interval().unwrap_or(Duration::from_millis(1));
                if taken < 100 {
                    (taken, answered) = (taken + 1, answered + 1);
                    rate.answered(now);
                } else {
                    refused += 1;
                    rate.refused(now);
                }
            }
        }
        assert!(answered > 50 * 60, "{answered}");
        assert!(refused < answered / 3, "{refused}");
    }

    #[test]
    fn after_a_minute_without_refusals_there_is_no_limit() {
        let mut now = Instant::now();
        let mut rate = Rate::new(now);
        refuse(&mut rate, &mut now, 3);
        rate.answered(now + RELEASE);
        assert_eq!(rate.interval(), None);
    }
}
