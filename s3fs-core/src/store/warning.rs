//! Rate limit of user warnings.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Minimum time between two warnings.
const INTERVAL: Duration = Duration::from_secs(20);

/// Time of the last warning. Any number of requests that wait for one server cause one warning.
#[derive(Debug, Default)]
pub(super) struct Warning(Mutex<Option<Instant>>);

impl Warning {
    /// Returns whether another warning may be given now, and notes that it is.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
pub(crate) mod seen {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::subscriber::DefaultGuard;
    use tracing::{Event, Level, Subscriber};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    /// Warnings of this thread, as text.
    #[derive(Clone, Default)]
    pub(crate) struct Warnings(Arc<Mutex<Vec<String>>>);

    impl Warnings {
        /// Collects warnings until the guard is dropped.
        pub(crate) fn begin() -> (Self, DefaultGuard) {
            let warnings = Self::default();
            let subscriber = tracing_subscriber::registry().with(warnings.clone());
            (warnings, tracing::subscriber::set_default(subscriber))
        }

        /// Returns the warnings collected so far.
        pub(crate) fn texts(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }
    }

    struct Message(String);

    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            if field.name() == "message" {
                self.0 = format!("{value:?}");
            }
        }
    }

    impl<S: Subscriber> Layer<S> for Warnings {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            if *event.metadata().level() == Level::WARN {
                let mut message = Message(String::new());
                event.record(&mut message);
                self.0.lock().unwrap().push(message.0);
            }
        }
    }
}
