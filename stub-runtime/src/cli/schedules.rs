//! Execution of scheduled entries at their times.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use jiff::Zoned;

use crate::declare::Schedule;
use crate::local::caller::Canceller;

/// Maximum time to sleep, so that a machine that slept, or whose clock was set, is noticed soon.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Entry that is run at its times.
pub struct Entry<'a> {
    /// Its name, for messages.
    pub name: String,
    /// Its times.
    pub schedule: Schedule,
    /// Runs it, until it ends or the canceller says so. Returns how it ended, in words.
    pub run: Box<dyn Fn(&Canceller) -> String + Sync + 'a>,
}

/// Runs each entry at its times, side by side, until that is cancelled and all running entries have
/// ended. An entry that is still running when its time comes again is not started a second time.
/// `say` gets a line about each event.
pub fn serve(entries: &[Entry<'_>], canceller: &Canceller, say: &(dyn Fn(&str) + Sync)) {
    let running: Vec<AtomicBool> = entries.iter().map(|_| AtomicBool::new(false)).collect();
    let mut due: Vec<Option<Zoned>> = next_of_all(entries, &Zoned::now());
    thread::scope(|scope| {
        while let Some(at) = due.iter().flatten().min().cloned() {
            let now = Zoned::now();
            if now < at {
                let left = Duration::try_from(now.duration_until(&at)).unwrap_or_default();
                if canceller.sleep(left.min(LOOK_AGAIN)) {
                    break;
                }
                continue;
            }
            for ((entry, due), running) in entries.iter().zip(&mut due).zip(&running) {
                if due.as_ref().is_none_or(|due| *due > now) {
                    continue;
                }
                *due = entry.schedule.next_after(&now);
                if running.swap(true, Ordering::AcqRel) {
                    say(&format!(
                        "{} is still running, and not begun again",
                        entry.name
                    ));
                    continue;
                }
                scope.spawn(move || {
                    say(&format!("{} begins", entry.name));
                    let run = AssertUnwindSafe(|| (entry.run)(canceller));
                    let ended = catch_unwind(run).unwrap_or_else(|_| "panicked".to_owned());
                    say(&format!("{} {ended}", entry.name));
                    running.store(false, Ordering::Release);
                });
            }
        }
    });
}

fn next_of_all(entries: &[Entry<'_>], now: &Zoned) -> Vec<Option<Zoned>> {
    let next = entries.iter().map(|entry| entry.schedule.next_after(now));
    next.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::declare::Period;

    fn each_second() -> Schedule {
        Period(Duration::from_secs(1)).try_into().unwrap()
    }

    #[test]
    fn each_is_run_at_its_times_and_never_twice_at_once() {
        let (canceller, count, words) = (
            Canceller::default(),
            AtomicUsize::new(0),
            Mutex::new(Vec::new()),
        );
        let entries = [
            Entry {
                name: "short".into(),
                schedule: each_second(),
                run: Box::new(|canceller| {
                    if count.fetch_add(1, Ordering::Relaxed) == 1 {
                        canceller.cancel(Duration::ZERO);
                    }
                    "ended".into()
                }),
            },
            Entry {
                name: "long".into(),
                schedule: each_second(),
                run: Box::new(|canceller| {
                    assert!(canceller.sleep(Duration::from_mins(1)));
                    "was cancelled".into()
                }),
            },
        ];
        serve(&entries, &canceller, &|line| {
            words.lock().unwrap().push(line.to_owned());
        });
        let words = words.into_inner().unwrap();
        let said = |line: &str| words.iter().filter(|said| *said == line).count();
        assert_eq!(
            (said("short begins"), said("short ended")),
            (2, 2),
            "{words:?}"
        );
        assert_eq!(
            (said("long begins"), said("long was cancelled")),
            (1, 1),
            "{words:?}"
        );
    }

    #[test]
    fn nothing_to_run_is_nothing_to_wait_for() {
        serve(&[], &Canceller::default(), &|line| panic!("{line}"));
    }
}
