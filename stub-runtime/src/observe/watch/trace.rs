//! Spans of a call, across its processes: `call` and `sandbox` in the caller, `supervisor` with
//! `mount` and `request` in the process that serves. Spans of a job's own calls are children of its
//! supervisor's span, by a variable of the job's environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::Span;

use crate::protocol::Trace;

#[cfg(feature = "opentelemetry")]
use crate::observe::otel;

/// Span of a call, and its stand-in for other processes where the span isn't exported.
#[derive(Debug)]
pub(super) struct CallSpan {
    span: Span,
    #[cfg(feature = "opentelemetry")]
    unexported: otel::Unexported,
}

impl CallSpan {
    pub(super) fn new(label: &Arc<str>, id: &str) -> Self {
        let span = tracing::info_span!("call", function = %label, id);
        #[cfg(feature = "opentelemetry")]
        otel::adopt_environment(&span);
        Self {
            span,
            #[cfg(feature = "opentelemetry")]
            unexported: otel::Unexported::new(),
        }
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Ends the span, though other handles may still exist.
    pub(super) fn close(&mut self) {
        self.span = Span::none();
    }

    /// Returns the headers that name the span of a sandbox to other processes; empty unless spans
    /// are exported.
    #[cfg(feature = "opentelemetry")]
    pub(super) fn context(&self, sandbox: &Span) -> BTreeMap<String, String> {
        otel::context(sandbox, &self.unexported)
    }

    /// Returns the headers that name the span of a sandbox to other processes; empty unless spans
    /// are exported.
    #[cfg(not(feature = "opentelemetry"))]
    #[expect(clippy::unused_self, reason = "with an exporter it is used")]
    pub(super) fn context(&self, _sandbox: &Span) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}

/// Creates the span of a supervisor.
pub(crate) fn supervisor(label: &str, trace: &Trace) -> Span {
    let span = tracing::info_span!(
        "supervisor",
        function = label,
        call = trace.call,
        sandbox = trace.sandbox
    );
    #[cfg(feature = "opentelemetry")]
    otel::adopt(&span, &trace.context);
    span
}

/// Returns the variables that tell a job the span it was started in; empty unless spans are exported.
pub(crate) fn variables() -> BTreeMap<String, String> {
    #[cfg(feature = "opentelemetry")]
    if let Some(parent) = otel::for_environment(&Span::current()) {
        return BTreeMap::from([(crate::host::config::TRACE_PARENT.to_owned(), parent)]);
    }
    BTreeMap::new()
}
