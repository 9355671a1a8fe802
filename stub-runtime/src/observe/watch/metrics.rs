//! Metrics that can be read while calls are running.
//!
//! They use the crate `metrics`: any recorder that the program has installed gets them. [`serve`]
//! installs one that Prometheus can scrape.

use std::net::SocketAddr;
use std::sync::Arc;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use s3fs_core::Usage;

use super::Attempted;
use crate::protocol::Progress;

/// Kinds of requests, as [`Usage`] counts them.
const OPERATIONS: [&str; 5] = ["LIST", "GET", "HEAD", "PUT", "DELETE"];

fn by_operation(usage: &Usage) -> [u64; 5] {
    [
        usage.lists,
        usage.gets,
        usage.heads,
        usage.puts,
        usage.deletes,
    ]
}

/// Metrics of a function.
pub(super) struct Metrics {
    ok: Counter,
    failed: Counter,
    retried: Counter,
    cancelled: Counter,
    seconds: Histogram,
    sandboxes: Gauge,
    requests: [Counter; 5],
    read: Counter,
    written: Counter,
    pending_files: Gauge,
    pending_bytes: Gauge,
}

impl Metrics {
    pub(super) fn of(label: &Arc<str>) -> Self {
        let function = || metrics::SharedString::from(Arc::clone(label));
        let attempts =
            |result| counter!("stub_attempts_total", "function" => function(), "result" => result);
        let requests = |operation| counter!("stub_requests_total", "function" => function(), "operation" => operation);
        Self {
            ok: attempts("ok"),
            failed: attempts("failed"),
            retried: attempts("retried"),
            cancelled: attempts("cancelled"),
            seconds: histogram!("stub_attempt_seconds", "function" => function()),
            sandboxes: gauge!("stub_sandboxes", "function" => function()),
            requests: OPERATIONS.map(requests),
            read: counter!("stub_read_bytes_total", "function" => function()),
            written: counter!("stub_written_bytes_total", "function" => function()),
            pending_files: gauge!("stub_pending_files", "function" => function()),
            pending_bytes: gauge!("stub_pending_bytes", "function" => function()),
        }
    }

    pub(super) fn attempted(&self, attempted: &Attempted<'_>) {
        let counter = match (attempted.error, attempted.is_retried) {
            (None, _) => &self.ok,
            _ if attempted.is_cancelled() => &self.cancelled,
            (Some(_), true) => &self.retried,
            (Some(_), false) => &self.failed,
        };
        counter.increment(1);
        let took = attempted.ended.saturating_duration_since(attempted.began);
        // What was never run took no time.
        if attempted.sandbox.is_some() || !took.is_zero() {
            self.seconds.record(took);
        }
    }

    /// Adds to the number of sandboxes.
    pub(super) fn sandboxes(&self, more: f64) {
        self.sandboxes.increment(more);
    }

    /// Records the progress of a sandbox from one state to a later one.
    pub(super) fn progress(&self, before: &Progress, now: &Progress) {
        let counts = by_operation(&before.usage)
            .into_iter()
            .zip(by_operation(&now.usage));
        for (counter, (before, now)) in self.requests.iter().zip(counts) {
            counter.increment(now.saturating_sub(before));
        }
        let (old, new) = (&before.usage, &now.usage);
        self.read
            .increment(new.bytes_read.saturating_sub(old.bytes_read));
        self.written
            .increment(new.bytes_written.saturating_sub(old.bytes_written));
        self.pending_files
            .increment(difference(before.pending.files, now.pending.files));
        self.pending_bytes
            .increment(difference(before.pending.bytes, now.pending.bytes));
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a gauge is a number for reading"
)]
fn difference(before: u64, now: u64) -> f64 {
    now as f64 - before as f64
}

// Recorders need not be able to show themselves.
impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// Serves the metrics of this program at this address, for Prometheus and any HTTP client, as long
/// as it runs.
///
/// # Errors
/// The address can't be used, or the program has a recorder of its own already.
pub(super) fn serve(address: SocketAddr) -> Result<(), String> {
    // Before the exporter's own thread tries, which nobody would hear of.
    let refused =
        |error: &dyn std::fmt::Display| format!("failed to serve metrics at {address}: {error}");
    drop(std::net::TcpListener::bind(address).map_err(|error| refused(&error))?);
    PrometheusBuilder::new()
        .with_http_listener(address)
        .install()
        .map_err(|error| refused(&error))?;
    describe_counter!(
        "stub_attempts_total",
        "Attempts that have ended, by result: ok, retried, failed, cancelled"
    );
    describe_histogram!(
        "stub_attempt_seconds",
        Unit::Seconds,
        "How long attempts took; of calls by themselves, with the making of their sandboxes"
    );
    describe_gauge!("stub_sandboxes", "Sandboxes that there are");
    describe_counter!(
        "stub_requests_total",
        "Requests to the buckets, by operation"
    );
    describe_counter!(
        "stub_read_bytes_total",
        Unit::Bytes,
        "Bytes that came from the buckets"
    );
    describe_counter!(
        "stub_written_bytes_total",
        Unit::Bytes,
        "Bytes that were sent to the buckets"
    );
    describe_gauge!("stub_pending_files", "Files written and not stored yet");
    describe_gauge!(
        "stub_pending_bytes",
        Unit::Bytes,
        "Bytes of them that are still to be sent"
    );
    Ok(())
}
