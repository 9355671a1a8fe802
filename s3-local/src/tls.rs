//! TLS of a server, with a certificate that is made when it starts.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rcgen::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

use crate::Error;

/// Names and addresses that the certificate is for.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// Maximum time of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// TLS of a server.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    /// Certificate in PEM form, signed by its own key.
    pub(crate) certificate: Arc<str>,
}

impl Tls {
    /// Makes a key and a certificate.
    pub(crate) fn new() -> Result<Self, Error> {
        let failed = |reason: String| Error::Certificate { reason };
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(NAMES.map(str::to_owned))
                .map_err(|error| failed(error.to_string()))?;
        let key = PrivateKeyDer::try_from(signing_key.serialize_der())
            .map_err(|reason| failed(reason.to_owned()))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(vec![cert.der().clone()], key)
            })
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate: cert.pem().into(),
        })
    }

    /// Sets up TLS on an accepted connection.
    pub(crate) async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        tokio::time::timeout(HANDSHAKE, self.acceptor.accept(stream)).await?
    }
}
