//! Direct HTTPS connections, read in large blocks. The SDK's own client reads 4 KiB of a socket at a time, as
//! rustls does by itself.

mod connector;
mod failure;
mod stream;
#[cfg(test)]
mod tests;
mod trust;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use super::BODIES;
use connector::TlsConnector;
use failure::{ConnectionTimeout, RequestPhase, classified};

pub(super) use trust::client_config;

/// Connections to `https://` URLs, by the time limit to set them up. Requests share them whatever their other limits.
#[derive(Debug)]
pub(super) struct HttpsConnections {
    tls: Arc<ClientConfig>,
    clients: Mutex<HashMap<Option<Duration>, Client<TlsConnector, SdkBody>>>,
}

impl HttpsConnections {
    /// Creates no connection yet.
    pub(super) fn new(tls: Arc<ClientConfig>) -> Self {
        Self {
            tls,
            clients: Mutex::default(),
        }
    }

    /// Returns the connector with these timeouts.
    pub(super) fn connector(&self, settings: &HttpConnectorSettings) -> HttpsConnector {
        let limit = settings.connect_timeout();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(limit).or_insert_with(|| {
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_max_idle_per_host(BODIES)
                .build(TlsConnector::new(&self.tls, limit))
        });
        HttpsConnector {
            client: client.clone(),
            read_timeout: settings.read_timeout(),
        }
    }
}

/// Connector of direct requests to `https://` URLs.
#[derive(Clone, Debug)]
pub(super) struct HttpsConnector {
    client: Client<TlsConnector, SdkBody>,
    read_timeout: Option<Duration>,
}

impl HttpConnector for HttpsConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let answer = self.client.request(request);
        let limit = self.read_timeout;
        HttpConnectorFuture::new(async move {
            let answer = match limit {
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .map_err(|_| timed_out(RequestPhase::Read, limit))?,
                None => answer.await,
            };
            let answer = answer.map_err(|error| classified(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn timed_out(phase: RequestPhase, limit: Duration) -> ConnectorError {
    ConnectorError::timeout(ConnectionTimeout { phase, limit }.into())
}

/// Returns the connection that a request uses, so that the SDK can close it after a failure.
fn metadata(connection: &CaptureConnection) -> Option<ConnectionMetadata> {
    let is_connected = connection.connection_metadata().is_some();
    let connection = connection.clone();
    let poison = move || {
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    let metadata = ConnectionMetadata::builder()
        .proxied(false)
        .poison_fn(poison);
    is_connected.then(|| metadata.build())
}
