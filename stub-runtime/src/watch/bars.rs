//! Bars on the terminal of a person who waits.

use std::io::{self, IsTerminal};
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use s3fs_core::Pending;

use crate::config;

/// All of them, so that they don't draw over each other.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));

/// How often a bar moves that nothing happens to.
const TICK: Duration = Duration::from_millis(250);

/// Whether they are: asked for, on a terminal.
pub(crate) fn are_shown() -> bool {
    config::wants_progress() && io::stderr().is_terminal()
}

/// Prints something to the terminal, so that bars neither cut it nor are cut by it.
pub(crate) fn beside<T>(print: impl FnOnce() -> T) -> T {
    if are_shown() {
        BARS.suspend(print)
    } else {
        print()
    }
}

fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    let bar = BARS.add(bar);
    bar.enable_steady_tick(TICK);
    bar
}

/// The inputs of a map.
#[derive(Debug)]
pub(crate) struct Inputs(Option<ProgressBar>);

impl Inputs {
    /// So many of them, if that is known.
    pub(crate) fn new(total: Option<u64>) -> Self {
        // Where the values go to the same terminal, they are what is to be seen.
        if !are_shown() || io::stdout().is_terminal() {
            return Self(None);
        }
        let template = match total {
            Some(_) => "[{bar:30}] {pos} of {len} done, {msg} failed, {per_sec}, {eta} left",
            None => "{spinner} {pos} done, {msg} failed, {per_sec}, {elapsed}",
        };
        let bar = bar(total, template);
        bar.set_message("0");
        Self(Some(bar))
    }

    /// One more has ended; so many of all have failed.
    pub(crate) fn one_more(&self, failed: u64) {
        if let Some(bar) = &self.0 {
            bar.set_message(failed.to_string());
            bar.inc(1);
        }
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// What a call has written and waits for.
#[derive(Debug)]
pub(super) struct Storing(ProgressBar);

impl Storing {
    pub(super) fn new() -> Option<Self> {
        let template =
            "storing {msg}: [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        are_shown().then(|| Self(bar(Some(0), template)))
    }

    /// So much is left of it.
    pub(super) fn set(&mut self, pending: Pending) {
        let done = self.0.position();
        let total = self.0.length().unwrap_or(0).max(done + pending.bytes);
        self.0.set_length(total);
        self.0.set_position(total - pending.bytes);
        self.0.set_message(match pending.files {
            1 => "1 file".to_owned(),
            files => format!("{files} files"),
        });
    }
}

impl Drop for Storing {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
