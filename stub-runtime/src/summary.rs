//! What a call took, in a line at its end, for whoever asks for it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use s3fs_core::Usage;

use crate::config;

/// Adds up what the sandboxes of a call took; says it when the last of them has ended.
#[derive(Debug)]
pub(crate) struct Summary {
    label: String,
    begun: Instant,
    total: Mutex<Total>,
}

#[derive(Debug, Default)]
struct Total {
    sandboxes: u64,
    usage: Usage,
}

impl Summary {
    /// One for a call of this name, if it is asked for.
    pub(crate) fn of(label: &str) -> Option<Arc<Self>> {
        config::wants_summary().then(|| {
            Arc::new(Self {
                label: label.to_owned(),
                begun: Instant::now(),
                total: Mutex::default(),
            })
        })
    }

    /// One more sandbox.
    pub(crate) fn sandbox(&self) {
        self.lock(|total| total.sandboxes += 1);
    }

    /// What one took.
    pub(crate) fn add(&self, usage: Usage) {
        self.lock(|total| total.usage += usage);
    }

    fn lock(&self, change: impl FnOnce(&mut Total)) {
        change(&mut self.total.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Summary {
    fn drop(&mut self) {
        let total = self.total.get_mut().unwrap_or_else(PoisonError::into_inner);
        let line = line(&self.label, self.begun.elapsed().as_secs_f64(), total);
        // There is nobody to tell if this fails.
        let _ = writeln!(io::stderr().lock(), "stub: {line}");
    }
}

fn line(label: &str, seconds: f64, total: &Total) -> String {
    let sandboxes = match total.sandboxes {
        1 => String::new(),
        count => format!(" in {count} sandboxes"),
    };
    format!("{label} took {seconds:.2} s{sandboxes}; {}", total.usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_time_and_what_was_asked_of_the_buckets() {
        let usage = Usage {
            lists: 1,
            ..Usage::default()
        };
        let mut total = Total {
            sandboxes: 1,
            usage,
        };
        let expected =
            "f took 1.50 s; read 0 B, wrote 0 B; 1 LIST, 0 GET, 0 HEAD, 0 PUT, 0 DELETE: $0.000005";
        assert_eq!(line("f", 1.5, &total), expected);
        total.sandboxes = 3;
        assert!(line("f", 1.5, &total).starts_with("f took 1.50 s in 3 sandboxes; "));
    }
}
