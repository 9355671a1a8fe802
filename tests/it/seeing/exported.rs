//! Spans exported to a collector.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// Collector of OTLP requests in JSON.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Value>>>);

impl Collector {
    fn start() -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let collector = Self::default();
        let of_thread = collector.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let collector = of_thread.clone();
                thread::spawn(move || collector.answer(stream.unwrap()));
            }
        });
        (collector, address)
    }

    fn answer(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                let line = line.trim().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().ok()?;
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            self.0
                .lock()
                .unwrap()
                .push(serde_json::from_slice(&body).ok()?);
            let answer =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
            reader.get_mut().write_all(answer.as_bytes()).ok()?;
        }
    }

    fn spans(&self) -> Vec<Value> {
        let requests = self.0.lock().unwrap();
        let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let mut spans = Vec::new();
        for request in &*requests {
            for resource in list(request, "resourceSpans") {
                for scope in list(&resource, "scopeSpans") {
                    spans.extend(list(&scope, "spans"));
                }
            }
        }
        spans
    }
}

#[test]
fn the_spans_of_all_processes_of_a_call_are_one_trace() {
    let _clean = Clean::start();
    let server = bucket::server();
    let (collector, address) = Collector::start();
    let mut command = tasks(&server, &["run", "note", "--name", "x", "--text", "y"]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let spans = collector.spans();
    let by_id: HashMap<_, _> = spans.iter().map(|span| (&span["spanId"], span)).collect();
    let put = spans.iter().find(|span| {
        let attributes = span["attributes"].to_string();
        span["name"] == "request" && attributes.contains("PUT")
    });
    let put = put.unwrap_or_else(|| panic!("{spans:#?}"));
    let mut names = Vec::new();
    let mut next = Some(&put);
    while let Some(span) = next {
        assert_eq!(span["traceId"], put["traceId"]);
        names.push(span["name"].as_str().unwrap());
        next = by_id.get(&span["parentSpanId"]);
    }
    assert_eq!(names, ["request", "mount", "supervisor", "sandbox", "call"]);
}

#[test]
fn a_collector_that_is_gone_harms_no_call() {
    let _clean = Clean::start();
    let server = bucket::server();
    let mut command = tasks(&server, &["run", "note", "--name", "x", "--text", "y"]);
    command.env(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        format!("http://{}", free_address()),
    );
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(server.get("examples", "out/x").as_deref(), Some(&b"y"[..]));
}
