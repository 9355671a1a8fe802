//! Waits of requests for their turn while the request rate of the server is limited.

use std::pin::pin;

use tokio::time::{Instant, timeout_at};

use super::Retrying;
use super::policy::Tries;
use super::throttle::Line;
use crate::store::{Request, Store};

impl<S: Store> Retrying<S> {
    /// Waits for the turn of an attempt, if the request rate of the server is limited. An attempt
    /// that has waited for too long is made anyway.
    pub(super) async fn admit(&self, request: Request<'_>, tries: &Tries) {
        let Some(line) = Line::of(request.operation) else {
            return;
        };
        let health = &self.bucket.health;
        if !health.throttle().is_limited() {
            return;
        }
        let now = Instant::now();
        let end = now + tries.longest_turn(line, now);
        let warning = now + self.warn_after.saturating_sub(tries.elapsed(now));
        let mut turn = pin!(health.turn(line));
        if timeout_at(end.min(warning), &mut turn).await.is_ok() {
            return;
        }
        if warning < end && health.warning.is_due() {
            let seconds = tries.elapsed(Instant::now()).as_secs();
            let (operation, object) = (request.operation.name(), request.uri(self));
            tracing::warn!(
                "waiting for {seconds} s, as the server asks for fewer requests: {operation} {object}"
            );
        }
        if timeout_at(end, turn).await.is_err() {
            tracing::debug!("sending a request before its turn");
        }
    }
}
