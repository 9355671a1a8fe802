//! Entry of every request: logging, injected faults, and the call of the S3 service.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::service::S3Service;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::call::Call;
use super::connection::{Connection, ResetSwitch};
use super::endless::EndlessBody;
use super::request_body::RequestBody;
use super::response_body::ResponseBody;
use super::{archive, directory, quirks, refusal, region};
use crate::access::KeyRing;
use crate::catalog::{Catalog, is_directory};
use crate::log::InProgress;
use crate::tls::Tls;
use crate::{Fault, Knobs, Operation, RequestLog, log};

/// State shared by all connections.
pub(crate) struct Front {
    pub(crate) service: S3Service,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) knobs: Arc<Knobs>,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) request_ids: AtomicU64,
    pub(crate) keys: Arc<KeyRing>,
}

/// Accepts connections forever.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    front: Arc<Front>,
) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(accepted(stream, tls.clone(), Arc::clone(&front)));
            }
            Err(error) => {
                // Out of descriptors, most likely: connections that end make room.
                tracing::warn!(%error, "accept a connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Serves an accepted connection.
async fn accepted(stream: TcpStream, tls: Option<Tls>, front: Arc<Front>) {
    // If it fails, the connection is gone and serving it says so.
    let _ = stream.set_nodelay(true);
    let reset = ResetSwitch::default();
    let connection = Connection::new(stream, reset.clone());
    match tls {
        None => serve_connection(connection, reset, front).await,
        #[cfg(feature = "tls")]
        Some(tls) => match tls.accept(connection).await {
            Ok(connection) => serve_connection(connection, reset, front).await,
            // A client that does not trust the certificate, or that says nothing.
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        },
        #[cfg(not(feature = "tls"))]
        Some(tls) => match tls {},
    }
}

async fn serve_connection<S>(stream: S, reset: ResetSwitch, front: Arc<Front>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = hyper::service::service_fn(move |request| {
        let (front, reset) = (Arc::clone(&front), reset.clone());
        async move { front.answer(request, &reset).await }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        // Clients keep idle connections for as long as they like.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Error that resets the connection instead of a response.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset on request")]
struct Reset;

/// Adds a request to the log when it is answered or cancelled.
struct Logged<'f> {
    log: &'f RequestLog,
    request: Option<log::Request>,
}

impl Logged<'_> {
    fn answered(mut self, status: StatusCode) {
        if let Some(request) = &mut self.request {
            request.status = Some(status.as_u16());
        }
    }
}

impl Drop for Logged<'_> {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            self.log.push(request);
        }
    }
}

impl Front {
    async fn answer(
        &self,
        request: Request<Incoming>,
        reset: &ResetSwitch,
    ) -> Result<Response<ResponseBody>, Reset> {
        let (parts, incoming) = request.into_parts();
        let call = Call::of(&parts);
        let body = RequestBody::new(incoming, Arc::clone(&self.knobs));
        let (logged, in_progress) = self.logged(&call);
        let fault = self.knobs.take_fault(call.operation, call.key.as_deref());
        let mut response = match fault {
            Some(Fault::ResetConnection) => {
                reset.turn_on();
                return Err(Reset);
            }
            Some(Fault::CarryOutAndReset) => {
                let request = Request::from_parts(parts, s3s::Body::http_body(body));
                self.carry_out(&call, request).await;
                reset.turn_on();
                return Err(Reset);
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::EndlessBody) => Response::new(s3s::Body::http_body(EndlessBody)),
            Some(Fault::SlowDown503) => slow_down(),
            Some(Fault::InternalError500) => internal_error(),
            _ => {
                let request = Request::from_parts(parts, s3s::Body::http_body(body));
                self.carry_out(&call, request).await
            }
        };
        self.finish_headers(&mut response);
        logged.answered(response.status());
        let latency = self.knobs.latency();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        Ok(response.map(|body| {
            let knobs = Arc::clone(&self.knobs);
            ResponseBody::new(body, knobs, fault, in_progress)
        }))
    }

    fn logged(&self, call: &Call) -> (Logged<'_>, InProgress) {
        let call = call.clone();
        let mut request = log::Request {
            operation: call.operation,
            bucket: call.bucket,
            key: call.key,
            range: call.range,
            part_number: call.part_number,
            body_length: call.body_length,
            access_key: call.access_key,
            headers: call.headers,
            in_flight: 0,
            of_its_key: 0,
            status: None,
        };
        let in_progress = self.log.start(&mut request);
        let logged = Logged {
            log: &self.log,
            request: Some(request),
        };
        (logged, in_progress)
    }

    async fn carry_out(&self, call: &Call, mut request: Request<s3s::Body>) -> Response<s3s::Body> {
        let settings = call
            .bucket
            .as_deref()
            .and_then(|bucket| self.catalog.settings(bucket));
        let bucket_region = settings.map(|settings| settings.region);
        if let Some(bucket_region) = &bucket_region
            && let Some(response) = region::wrong_region(call, bucket_region)
        {
            return response;
        }
        if let Some(response) = quirks::refusal(&self.knobs, &self.catalog, call, request.headers())
        {
            return response;
        }
        if let Some(response) = archive::refusal(&self.catalog, call, request.headers()) {
            return response;
        }
        if call.bucket.as_deref().is_some_and(is_directory) {
            if let Err(error) = self.keys.sign_for_s3(&mut request).await {
                return refusal::of_error(&error);
            }
            if let Some(response) = directory::refusal(call, request.uri(), request.headers()) {
                return response;
            }
        }
        let mut response = match self.service.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(?error, "the S3 service failed");
                internal_error()
            }
        };
        if let Some(bucket_region) = &bucket_region
            && call.operation == Operation::HeadBucket
        {
            region::name_region(response.headers_mut(), bucket_region);
        }
        response
    }

    fn finish_headers(&self, response: &mut Response<s3s::Body>) {
        if response.status() == StatusCode::NOT_MODIFIED {
            *response.body_mut() = s3s::Body::empty();
            response.headers_mut().remove(http::header::CONTENT_TYPE);
        }
        let id = self.request_ids.fetch_add(1, Ordering::Relaxed);
        for (name, value) in [
            ("x-amz-request-id", format!("{id:016X}")),
            ("x-amz-id-2", format!("s3-local/{id:016X}")),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
            .headers_mut()
            .insert(http::header::SERVER, HeaderValue::from_static("s3-local"));
    }
}

fn slow_down() -> Response<s3s::Body> {
    let message = "Please reduce your request rate.";
    refusal::response(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", message, &[])
}

fn internal_error() -> Response<s3s::Body> {
    let message = "We encountered an internal error. Please try again.";
    refusal::response(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalError",
        message,
        &[],
    )
}
