//! Export of spans for OpenTelemetry: those of all processes of a call are one trace.
//!
//! Spans are exported by OTLP over HTTP if `OTEL_EXPORTER_OTLP_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set. The exporter's other settings are in its
//! [specification].
//!
//! [specification]: https://opentelemetry.io/docs/specs/otel/protocol/exporter/

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider};
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::host::config;

/// Maximum time that a process waits for a collector at its end; the caller of a supervisor waits
/// for that, too.
const PATIENCE: Duration = Duration::from_secs(1);

/// Header with the ids of the trace and the span ([W3C Trace Context]).
///
/// [W3C Trace Context]: https://www.w3.org/TR/trace-context/
const HEADER: &str = "traceparent";

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Returns the exporter of our own spans, if export is requested.
///
/// The error says why spans can't be exported.
pub(crate) fn exporter<S>() -> Result<Option<impl Layer<S>>, String>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    if !config::exports_traces() {
        return Ok(None);
    }
    // The provider of the buckets' connections; one that the program has installed before stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder().with_http().build();
    let exporter = exporter.map_err(|error| format!("spans are not exported: {error}"))?;
    let mut resource = Resource::builder();
    if !config::names_service() {
        resource = resource.with_service_name(config::program());
    }
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    let tracer = provider.tracer("stub");
    if PROVIDER.set(provider).is_err() {
        return Ok(None);
    }
    // Excludes spans of the exporter's own connections, whose export would create more spans.
    let ours = Targets::new()
        .with_target("stub_runtime", LevelFilter::INFO)
        .with_target("s3fs_core", LevelFilter::DEBUG);
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    Ok(Some(layer.with_filter(ours)))
}

/// Sends the remaining spans. A collector that is gone, or doesn't answer, makes no call fail or
/// wait for long.
pub(crate) fn flush() {
    if let Some(provider) = PROVIDER.get() {
        let _ = provider.shutdown_with_timeout(PATIENCE);
    }
}

/// Returns the headers that name a span to other processes. If this process exports none, returns
/// those of `call`.
pub(crate) fn context(span: &Span, call: &Unexported) -> BTreeMap<String, String> {
    let headers = headers(span);
    if headers.is_empty() {
        return call.0.clone();
    }
    headers.into_iter().collect()
}

/// Stand-in for the span of a call that this process doesn't export: the span in which the process
/// was started. If there is none either, it is an id without a span, so that at least all sandboxes
/// of the call are one trace.
#[derive(Clone, Debug)]
pub(crate) struct Unexported(BTreeMap<String, String>);

impl Unexported {
    pub(crate) fn new() -> Self {
        let parent = config::trace_parent().unwrap_or_else(|| {
            let ids = RandomIdGenerator::default();
            format!("00-{}-{}-01", ids.new_trace_id(), ids.new_span_id())
        });
        Self(BTreeMap::from([(HEADER.to_owned(), parent)]))
    }
}

/// Makes a span the child of a span of another process.
pub(crate) fn adopt(span: &Span, headers: &BTreeMap<String, String>) {
    let headers: HashMap<String, String> = headers.clone().into_iter().collect();
    let parent = TraceContextPropagator::new().extract(&headers);
    // It fails only where no spans are exported.
    let _ = span.set_parent(parent);
}

/// Makes the span of a call the child of the span in which this process was started, unless it is
/// the child of one of this process's own.
pub(crate) fn adopt_environment(span: &Span) {
    let current = Span::current().context();
    let has_parent = current.span().span_context().is_valid();
    if let (Some(parent), false) = (config::trace_parent(), has_parent) {
        adopt(span, &BTreeMap::from([(HEADER.to_owned(), parent)]));
    }
}

/// Returns the value of a job's variable that names the span in which it was started.
pub(crate) fn for_environment(span: &Span) -> Option<String> {
    headers(span).remove(HEADER)
}

fn headers(span: &Span) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut headers);
    headers
}
