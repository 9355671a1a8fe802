//! Signals that end `stub mount`.

use anyhow::Context;
use stub_runtime::local;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Receiver of all signals that would end the process by default.
#[derive(Debug)]
pub(super) struct Signals(UnboundedReceiver<()>);

impl Signals {
    /// Handles the signals from now on.
    pub(super) fn new() -> anyhow::Result<Self> {
        let (sender, received) = unbounded_channel();
        for number in local::ending_signals() {
            let handled = signal(SignalKind::from_raw(number));
            let mut coming =
                handled.with_context(|| format!("failed to handle signal {number}"))?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while coming.recv().await.is_some() && sender.send(()).is_ok() {}
            });
        }
        Ok(Self(received))
    }

    /// Waits for a signal.
    pub(super) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // None is handled: all were to be ignored.
            std::future::pending::<()>().await;
        }
    }
}
