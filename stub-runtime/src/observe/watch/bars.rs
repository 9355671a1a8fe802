//! Progress bars on a terminal.

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use s3fs_core::{Amount, Pending, WarmReport};

use crate::host::config;

/// All bars, so that they don't draw over each other.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8)));

/// Interval at which an idle bar is redrawn.
const TICK: Duration = Duration::from_millis(250);

/// Number of bars shown.
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Returns whether bars would be seen: asked for, and on a terminal.
fn would_be_seen() -> bool {
    config::wants_progress() && io::stderr().is_terminal()
}

/// Returns whether any bars are shown, so that output must make room.
pub(crate) fn are_shown() -> bool {
    COUNT.load(Ordering::Relaxed) > 0
}

/// Returns whether lines of the log may have colours.
pub(crate) fn have_colours() -> bool {
    io::stderr().is_terminal()
}

/// Prints lines to standard error, above the bars. Returns whether there are bars and printing succeeded.
pub(crate) fn above(lines: &[u8]) -> bool {
    if !are_shown() {
        return false;
    }
    let text = String::from_utf8_lossy(lines);
    BARS.println(text.trim_end_matches('\n')).is_ok()
}

fn bar(length: Option<u64>, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template(template) {
        let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
            // A line that can't be written is not drawn.
            let _ = write!(out, "{:.1}/s", state.per_sec());
        };
        bar.set_style(style.progress_chars("=> ").with_key("rate", rate));
    }
    let bar = BARS.add(bar);
    bar.enable_steady_tick(TICK);
    COUNT.fetch_add(1, Ordering::Relaxed);
    bar
}

fn end(bar: &ProgressBar) {
    bar.finish_and_clear();
    COUNT.fetch_sub(1, Ordering::Relaxed);
}

/// Bar for the inputs of a map.
#[derive(Debug)]
pub(crate) struct InputsBar(Option<ProgressBar>);

impl InputsBar {
    /// Creates the bar; `count` returns the number of inputs, if it is known.
    pub(crate) fn new(count: impl FnOnce() -> Option<u64>) -> Self {
        // Where the values go to the same terminal, they are what is to be seen.
        if !would_be_seen() || io::stdout().is_terminal() {
            return Self(None);
        }
        let total = count();
        let template = match total {
            Some(_) => "[{bar:30}] {pos} of {len} done, {msg} failed, {rate}, {eta} left",
            None => "{spinner} {pos} done, {msg} failed, {rate}, {elapsed}",
        };
        let bar = bar(total, template);
        bar.set_message("0");
        Self(Some(bar))
    }

    /// Advances by one input that has ended. `failed`: number of inputs that have failed so far.
    pub(crate) fn one_more(&self, failed: u64) {
        if let Some(bar) = &self.0 {
            bar.set_message(failed.to_string());
            bar.inc(1);
        }
    }

    /// Removes the bar, as dropping it does.
    pub(crate) fn end(self) {
        drop(self);
    }
}

impl Drop for InputsBar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            end(bar);
        }
    }
}

/// Bar for a cache that is being warmed.
#[derive(Debug)]
pub struct WarmingBar(ProgressBar);

impl WarmingBar {
    /// Creates the bar, if it would be seen.
    pub fn new() -> Option<Self> {
        let template = "warming, {msg}: [{bar:30}] {pos} of {len} files, {rate}, {eta} left";
        would_be_seen().then(|| Self(bar(Some(0), template)))
    }

    /// Shows the account so far. More objects may be listed later.
    pub fn set(&self, report: &WarmReport) {
        let done = [report.fetched, report.held, report.left_out, report.skipped];
        let done = done.iter().map(|amount| amount.objects).sum::<u64>() + report.failed;
        self.0.set_length(report.listed.objects);
        self.0.set_position(done);
        self.0.set_message(Amount::shown(report.fetched.bytes));
    }
}

impl Drop for WarmingBar {
    fn drop(&mut self) {
        end(&self.0);
    }
}

/// Bar for data that a call has written and waits to be stored.
#[derive(Debug)]
pub(super) struct Storing(ProgressBar);

impl Storing {
    pub(super) fn new() -> Option<Self> {
        let template =
            "storing {msg}: [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        would_be_seen().then(|| Self(bar(Some(0), template)))
    }

    /// Sets the amount of data that is not stored yet.
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
        end(&self.0);
    }
}
