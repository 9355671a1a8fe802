//! Metrics of a program without them: nothing is counted.
#![allow(
    clippy::unused_self,
    reason = "the signatures are those of `metrics.rs`"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use super::Attempted;
use crate::protocol::Progress;

/// Metrics of a function.
#[derive(Debug)]
pub(super) struct Metrics;

impl Metrics {
    pub(super) fn of(_label: &Arc<str>) -> Self {
        Self
    }

    pub(super) fn attempted(&self, _: &Attempted<'_>) {}

    pub(super) fn sandboxes(&self, _more: f64) {}

    pub(super) fn progress(&self, _before: &Progress, _now: &Progress) {}
}

/// Refuses to serve metrics.
///
/// # Errors
/// Always.
pub(super) fn serve(_: SocketAddr) -> Result<(), String> {
    Err("this program was built without metrics\n\
         enable the feature `metrics` of the crate `stub`"
        .to_owned())
}
