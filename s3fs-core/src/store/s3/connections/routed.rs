//! HTTP client that sends each request directly or through the proxy of its host.

use std::sync::Arc;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;
use http::Uri;
use http::uri::Scheme;

use super::authorities::{Certificates, context};
use super::https::{HttpsConnections, HttpsConnector};
use super::proxy::{Proxies, Proxy, ProxyFailed, ProxyRefused};

const TLS: Provider = Provider::Rustls(CryptoMode::Ring);

/// Status of a proxy that asks for credentials.
const PROXY_AUTHENTICATION: u16 = 407;

/// Error text of a tunnel whose proxy asks for credentials; the type is private.
const TUNNEL_REFUSED: &str = "proxy authorization required";

/// Error text of a tunnel whose proxy answers with another status than 200, such as 403 or 502.
const TUNNEL_FAILED: &str = "tunnel error: unsuccessful";

/// Client that sends each request directly or through the proxy of its host.
#[derive(Debug)]
pub(super) struct Routed {
    proxies: Arc<Proxies>,
    https: HttpsConnections,
    http: SharedHttpClient,
    proxied: Vec<(Proxy, SharedHttpClient)>,
}

impl Routed {
    /// Creates a client that trusts these certificates, or those of the system.
    pub(super) fn new(proxies: &Arc<Proxies>, certificates: Option<Certificates>) -> Self {
        let tls = context(certificates.as_ref());
        let through_each = proxies.all().filter_map(|proxy| {
            // An unusable proxy is an error of the requests that it is for.
            let config = ProxyConfig::all(proxy.url().ok()?).ok()?;
            Some((proxy.clone(), through(config, tls.clone())))
        });
        Self {
            https: HttpsConnections::new(certificates),
            http: Builder::new().build_http(),
            proxied: through_each.collect(),
            proxies: Arc::clone(proxies),
        }
    }
}

fn through(proxy: ProxyConfig, tls: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(TLS)
            .tls_context(tls.clone())
            .proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}

impl HttpClient for Routed {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = |client: &SharedHttpClient| client.http_connector(settings, components);
        SharedHttpConnector::new(Route {
            proxies: Arc::clone(&self.proxies),
            https: self.https.connector(settings),
            http: connector(&self.http),
            proxied: self
                .proxied
                .iter()
                .map(|(proxy, client)| (proxy.clone(), connector(client)))
                .collect(),
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.http.validate_base_client_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.http.connector_metadata()
    }
}

/// Connectors of one kind of request.
#[derive(Debug)]
struct Route {
    proxies: Arc<Proxies>,
    https: HttpsConnector,
    http: SharedHttpConnector,
    proxied: Vec<(Proxy, SharedHttpConnector)>,
}

impl HttpConnector for Route {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri: Option<Uri> = request.uri().parse().ok();
        let Some(proxy) = uri.as_ref().and_then(|uri| self.proxies.of(uri)) else {
            let is_https = uri.is_some_and(|uri| uri.scheme() == Some(&Scheme::HTTPS));
            return if is_https {
                self.https.call(request)
            } else {
                self.http.call(request)
            };
        };
        let known = self.proxied.iter().find(|(known, _)| known == proxy);
        let Some((_, connector)) = known else {
            let error: BoxError = match proxy.url() {
                Err(error) => error.into(),
                Ok(_) => "a proxy without a connector".into(),
            };
            return HttpConnectorFuture::ready(Err(ConnectorError::user(error)));
        };
        let (proxy, answer) = (proxy.clone(), connector.call(request));
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(answer) if answer.status().as_u16() == PROXY_AUTHENTICATION => {
                    Err(refused(proxy))
                }
                Err(error) => Err(failed(proxy, error)),
                answer => answer,
            }
        })
    }
}

fn refused(proxy: Proxy) -> ConnectorError {
    ConnectorError::user(ProxyRefused(proxy).into())
}

/// Returns the error of a request through a proxy.
fn failed(proxy: Proxy, error: ConnectorError) -> ConnectorError {
    let text = crate::object::chain_in_one_line(&error);
    if text.contains(TUNNEL_REFUSED) {
        return refused(proxy);
    }
    let is_connect = error.is_timeout() && text.contains("connect timeout");
    let (is_io, is_timeout, other) = (error.is_io(), error.is_timeout(), error.as_other());
    let source: BoxError = if text.contains(TUNNEL_FAILED) {
        "it refuses or fails to connect to the host".into()
    } else {
        Box::new(error)
    };
    let source = ProxyFailed { proxy, source };
    match other {
        // A timeout has no text; that the proxy does not answer has to be said.
        _ if is_io || is_connect => ConnectorError::io(source.into()),
        _ if is_timeout => ConnectorError::timeout(source.into()),
        other => ConnectorError::other(source.into(), other),
    }
}
