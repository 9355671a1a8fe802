//! HTTP connections, and how many bodies arrive over them.

use std::sync::Arc;

use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use tokio::sync::Semaphore;

/// So many bodies arrive at once at most. Each has a buffer of its own, of some hundred kilobytes, that
/// no budget accounts for; and this many connections bring more than any machine takes.
const BODIES: usize = 96;

/// HTTP connections, shared by all mounts of a process.
#[derive(Clone, Debug)]
pub struct HttpClient {
    pub(super) client: SharedHttpClient,
    pub(super) bodies: Arc<Semaphore>,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self {
            client: aws_smithy_http_client::Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::Ring))
                .build_https(),
            bodies: Arc::new(Semaphore::new(BODIES)),
        }
    }
}
