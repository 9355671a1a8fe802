//! Summary of a call in a line at its end, on request.

use std::sync::Arc;
use std::time::Instant;

use s3fs_core::Usage;

use super::say::say;
use crate::host::config;

/// Line that is printed at the end of a call.
#[derive(Debug)]
pub(super) struct Summary {
    label: Arc<str>,
    begun: Instant,
}

impl Summary {
    /// Creates the summary for a call of this name, if it is asked for.
    pub(super) fn of(label: &Arc<str>) -> Option<Self> {
        config::wants_summary().then(|| Self {
            label: Arc::clone(label),
            begun: Instant::now(),
        })
    }

    /// Prints the duration until now, the number of sandboxes, and the requests and bytes of the buckets.
    pub(super) fn say(&self, sandboxes: u64, usage: Usage) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let line = line(&self.label, seconds, sandboxes, usage);
        say(&line);
    }
}

fn line(label: &str, seconds: f64, sandboxes: u64, usage: Usage) -> String {
    let sandboxes = match sandboxes {
        1 => String::new(),
        count => format!(" in {count} sandboxes"),
    };
    format!("{label} took {seconds:.2} s{sandboxes}; {usage}")
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
        let expected =
            "f took 1.50 s; read 0 B, wrote 0 B; 1 LIST, 0 GET, 0 HEAD, 0 PUT, 0 DELETE: $0.000005";
        assert_eq!(line("f", 1.5, 1, usage), expected);
        assert!(line("f", 1.5, 3, usage).starts_with("f took 1.50 s in 3 sandboxes; "));
    }
}
