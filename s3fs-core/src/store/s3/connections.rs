//! HTTP connections, and a limit on the bodies received over them.

use std::sync::Arc;

use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use tokio::sync::Semaphore;

/// Maximum number of bodies received at once. Each has a buffer of some hundred kilobytes that no
/// budget includes. This many connections exceed the bandwidth of any machine.
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
