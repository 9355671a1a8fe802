//! Spans for OpenTelemetry: those of all processes of a call are one trace.
//!
//! They are exported by OTLP over HTTP if `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is
//! set; what else the exporter may be told stands in its [specification].
//!
//! [specification]: https://opentelemetry.io/docs/specs/otel/protocol/exporter/

use std::collections::BTreeMap;
use std::sync::OnceLock;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::config;

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Exports our own spans, if it is asked for and the exporter can be made.
pub(crate) fn exporter<S>() -> Option<impl Layer<S>>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    if !config::exports_traces() {
        return None;
    }
    let exporter = SpanExporter::builder().with_http().build().ok()?;
    let mut resource = Resource::builder();
    if !config::names_service() {
        resource = resource.with_service_name(config::program());
    }
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build())
        .build();
    let tracer = provider.tracer("stub");
    // The other ones don't get that far.
    PROVIDER.set(provider).ok()?;
    // Not those of the exporter's own connections, which would have spans in turn.
    let ours = Targets::new()
        .with_target("stub_runtime", LevelFilter::INFO)
        .with_target("s3fs_core", LevelFilter::DEBUG);
    Some(
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_filter(ours),
    )
}

/// Sends what is still to be sent.
pub(crate) fn flush() {
    if let Some(provider) = PROVIDER.get() {
        // A collector that is gone is no reason for a call to fail.
        let _ = provider.shutdown();
    }
}

/// The headers that name a span to other processes.
pub(crate) fn context(span: &Span) -> BTreeMap<String, String> {
    let mut headers = std::collections::HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut headers);
    headers.into_iter().collect()
}

/// Makes a span the child of one of another process.
pub(crate) fn adopt(span: &Span, headers: &BTreeMap<String, String>) {
    let headers: std::collections::HashMap<String, String> = headers.clone().into_iter().collect();
    let parent = TraceContextPropagator::new().extract(&headers);
    // It fails only where no spans are exported.
    let _ = span.set_parent(parent);
}
