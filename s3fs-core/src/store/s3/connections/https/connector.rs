//! Connecting: a socket, and TLS over it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tower_service::Service;

use super::failure::{ConnectionTimeout, RequestPhase};
use super::stream::Buffered;

/// Connection as the HTTP client uses it.
type Stream = MaybeHttpsStream<TokioIo<Buffered>>;

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Connects to `https://` URLs.
#[derive(Clone, Debug)]
pub(super) struct TlsConnector {
    tls: HttpsConnector<BufferedConnector>,
    limit: Option<Duration>,
}

impl TlsConnector {
    /// Creates a connector with a limit on the time until TLS is set up.
    pub(super) fn new(tls: &Arc<ClientConfig>, limit: Option<Duration>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let tls = HttpsConnector::from((BufferedConnector(tcp), Arc::clone(tls)));
        Self { tls, limit }
    }
}

impl Service<Uri> for TlsConnector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting<Stream>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tls.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Connecting<Stream> {
        let (connecting, limit) = (self.tls.call(uri), self.limit);
        Box::pin(async move {
            let Some(limit) = limit else {
                return connecting.await;
            };
            let phase = RequestPhase::Connect;
            let late = |_| BoxError::from(ConnectionTimeout { phase, limit });
            tokio::time::timeout(limit, connecting)
                .await
                .map_err(late)?
        })
    }
}

/// Connects sockets whose bytes are read in large blocks.
#[derive(Clone, Debug)]
struct BufferedConnector(HttpConnector);

impl Service<Uri> for BufferedConnector {
    type Response = TokioIo<Buffered>;
    type Error = BoxError;
    type Future = Connecting<TokioIo<Buffered>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move { Ok(TokioIo::new(Buffered::new(connecting.await?.into_inner()))) })
    }
}
