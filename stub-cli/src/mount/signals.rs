//! Signals that end `stub mount`.

use std::time::Instant;

use anyhow::Context;
use stub_runtime::local::{self, Demands};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Receiver of all signals that would end the process by default.
#[derive(Debug)]
pub(super) struct Signals {
    received: UnboundedReceiver<(i32, Instant)>,
    demands: Demands,
}

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
                while coming.recv().await.is_some() && sender.send((number, Instant::now())).is_ok()
                {
                }
            });
        }
        Ok(Self {
            received,
            demands: Demands::default(),
        })
    }

    /// Waits for a signal that is a further demand to end. Returns the number of demands.
    pub(super) async fn next(&mut self) -> u32 {
        while let Some((signal, at)) = self.received.recv().await {
            if let Some(number) = self.demands.on_signal(signal, at) {
                return number;
            }
        }
        // None is handled: all were to be ignored.
        std::future::pending().await
    }
}
