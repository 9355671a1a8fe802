//! The spans of a call, across its processes: `call` and `sandbox` in the caller, `supervisor` with `mount` and
//! `request` in the process that serves.

use std::collections::BTreeMap;

use tracing::Span;

use crate::protocol::Trace;

/// The headers that name a span to other processes; none unless it is exported.
#[cfg_attr(
    not(feature = "opentelemetry"),
    expect(unused_variables, reason = "there is no exporter")
)]
pub(super) fn context(span: &Span) -> BTreeMap<String, String> {
    #[cfg(feature = "opentelemetry")]
    return crate::otel::context(span);
    #[cfg(not(feature = "opentelemetry"))]
    BTreeMap::new()
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
    crate::otel::adopt(&span, &trace.context);
    span
}
