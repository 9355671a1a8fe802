//! The spans of a call, across its processes: `call` and `sandbox` in the caller, `supervisor` with `mount` and
//! `request` in the process that serves. What a job starts in turn belongs to its supervisor's, by a variable of its
//! environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::Span;

use crate::protocol::Trace;

#[cfg(feature = "opentelemetry")]
use crate::otel;

/// A call's own span, and what stands for it in other processes where it isn't exported.
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

    /// It has ended, though others may still hold this.
    pub(super) fn close(&mut self) {
        self.span = Span::none();
    }

    /// The headers that name the span of a sandbox to other processes; none unless spans are exported.
    #[cfg(feature = "opentelemetry")]
    pub(super) fn context(&self, sandbox: &Span) -> BTreeMap<String, String> {
        otel::context(sandbox, &self.unexported)
    }

    /// The headers that name the span of a sandbox to other processes; none unless spans are exported.
    #[cfg(not(feature = "opentelemetry"))]
    #[expect(clippy::unused_self, reason = "with an exporter it is used")]
    pub(super) fn context(&self, _sandbox: &Span) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}

/// A supervisor's span.
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

/// The variables that tell a job which span it was started in; none unless spans are exported.
pub(crate) fn variables() -> BTreeMap<String, String> {
    #[cfg(feature = "opentelemetry")]
    if let Some(parent) = otel::for_environment(&Span::current()) {
        return BTreeMap::from([(crate::config::TRACE_PARENT.to_owned(), parent)]);
    }
    BTreeMap::new()
}
