//! Direct HTTPS connections, read in large blocks. The SDK's own client reads 4 KiB of a socket at a time, as
//! rustls does by itself.

mod connector;
mod failure;
mod stream;
#[cfg(test)]
mod tests;
mod trust;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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

use super::MOST_BODIES;
use super::authorities::Certificates;
use connector::TlsConnector;
use failure::{ConnectionTimeout, RequestPhase, classified};
use trust::client_config;

/// Connections to `https://` URLs. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct HttpsConnections(Arc<Connections>);

#[derive(Debug)]
struct Connections {
    /// Certificates to trust; `None` for those of the system.
    certificates: Option<Certificates>,
    tls: OnceLock<Arc<ClientConfig>>,
    /// Clients by the time limit to set up a connection. Requests share them whatever their other limits.
    clients: Mutex<HashMap<Option<Duration>, Client<TlsConnector, SdkBody>>>,
}

impl HttpsConnections {
    /// Creates no connection yet.
    pub(super) fn new(certificates: Option<Certificates>) -> Self {
        Self(Arc::new(Connections {
            certificates,
            tls: OnceLock::new(),
            clients: Mutex::default(),
        }))
    }

    /// Returns the connector with these timeouts.
    pub(super) fn connector(&self, settings: &HttpConnectorSettings) -> HttpsConnector {
        HttpsConnector {
            connections: self.clone(),
            connect_timeout: settings.connect_timeout(),
            read_timeout: settings.read_timeout(),
        }
    }

    /// Returns the client with this limit. The first one reads the certificates of the system, which
    /// takes milliseconds and is for nothing where all requests are plain HTTP.
    fn client(&self, limit: Option<Duration>) -> Client<TlsConnector, SdkBody> {
        let Connections {
            certificates,
            tls,
            clients,
        } = &*self.0;
        let mut clients = clients.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(limit).or_insert_with(|| {
            let tls = tls.get_or_init(|| client_config(certificates.clone()));
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_max_idle_per_host(MOST_BODIES)
                .build(TlsConnector::new(tls, limit))
        });
        client.clone()
    }
}

/// Connector of direct requests to `https://` URLs.
#[derive(Clone, Debug)]
pub(super) struct HttpsConnector {
    connections: HttpsConnections,
    connect_timeout: Option<Duration>,
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
        let client = self.connections.client(self.connect_timeout);
        let answer = client.request(request);
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
