//! TLS settings of direct connections.

use std::sync::{Arc, LazyLock};

use rustls::{ClientConfig, RootCertStore};

use crate::store::s3::connections::authorities::Certificates;

/// Certificates of the system. Reading them takes milliseconds.
static SYSTEM: LazyLock<RootCertStore> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!("failed to load certificates of the system: {error}");
    }
    let roots = roots(found.certs);
    if roots.is_empty() {
        tracing::warn!(
            "this machine has no certificates of authorities, so that no HTTPS endpoint is trusted: \
             install the package ca-certificates, or name a file by AWS_CA_BUNDLE"
        );
    }
    roots
});

/// Returns the TLS settings of connections that trust these certificates, or those of the system.
pub(super) fn client_config(certificates: Option<Certificates>) -> Arc<ClientConfig> {
    let roots = certificates.map_or_else(|| SYSTEM.clone(), roots);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites of both versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Requests over connections of their own are faster than as streams of one, and every S3 server has HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

fn roots(certificates: Certificates) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    roots
}
