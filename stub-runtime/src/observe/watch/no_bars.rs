//! Progress bars of a program without them: none is ever drawn.
#![allow(clippy::unused_self, reason = "the signatures are those of `bars.rs`")]

use std::io::{self, Write};
use std::sync::Once;

use s3fs_core::{Pending, WarmReport};

use crate::host::config;

/// Returns whether any bars are shown, so that output must make room.
pub(crate) fn are_shown() -> bool {
    false
}

/// Returns whether lines of the log may have colours.
pub(crate) fn have_colours() -> bool {
    false
}

/// Prints nothing, and returns that.
pub(crate) fn above(_lines: &[u8]) -> bool {
    false
}

/// Bar for the inputs of a map.
#[derive(Debug)]
pub(crate) struct InputsBar;

impl InputsBar {
    pub(crate) fn new(_count: impl FnOnce() -> Option<u64>) -> Self {
        explain();
        Self
    }

    pub(crate) fn one_more(&self, _failed: u64) {}

    pub(crate) fn end(self) {}
}

/// Bar for a cache that is being warmed.
#[derive(Debug)]
pub struct WarmingBar;

impl WarmingBar {
    /// Explains that there is no bar.
    pub fn new() -> Option<Self> {
        explain();
        None
    }

    /// Shows nothing.
    pub fn set(&self, _: &WarmReport) {}
}

/// Bar for data that a call has written and waits to be stored.
#[derive(Debug)]
pub(super) struct Storing;

impl Storing {
    pub(super) fn new() -> Option<Self> {
        explain();
        None
    }

    pub(super) fn set(&mut self, _: Pending) {}
}

/// Names the feature, once, to a user whose environment requests bars.
fn explain() {
    static ONCE: Once = Once::new();
    const REASON: &str = "stub: STUB_PROGRESS: this program was built without progress bars\n\
         enable the feature `progress` of the crate `stub`\n";
    if config::environment_wants_progress() {
        ONCE.call_once(|| {
            let _ = io::stderr().lock().write_all(REASON.as_bytes());
        });
    }
}
