//! Certificate authorities that connections trust: those of the system, or of a file.

use std::io;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::store::s3::settings::{Setting, Settings};

/// Certificates of authorities.
pub(super) type Certificates = Vec<CertificateDer<'static>>;

/// Certificate authorities that connections trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::s3) enum Authorities {
    /// Certificates of the system.
    System,
    /// Certificates of a file alone, as in the AWS command line.
    File(Setting),
}

/// File of certificates that cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// The file can't be read.
    #[error("failed to read the certificates of `{file}`, named by {source_name}: {reason}")]
    Unreadable {
        /// Path as configured.
        file: String,
        /// Variable, or key and profile.
        source_name: String,
        /// Reason.
        reason: String,
    },
    /// The file has no certificate of an authority.
    #[error("`{file}`, named by {source_name}, has no certificate in PEM form")]
    Empty {
        /// Path as configured.
        file: String,
        /// Variable, or key and profile.
        source_name: String,
    },
}

impl Authorities {
    /// Returns the file of `AWS_CA_BUNDLE` or of the profile's `ca_bundle`, or else the system.
    pub(in crate::store::s3) fn configured(settings: &Settings) -> Self {
        let file = settings.get("AWS_CA_BUNDLE", "ca_bundle");
        file.map_or(Self::System, Self::File)
    }

    /// Returns the path of the file.
    pub(super) fn file(&self) -> Option<&str> {
        match self {
            Self::System => None,
            Self::File(file) => Some(&file.value),
        }
    }

    /// Returns the certificates of the file; `None` for those of the system.
    ///
    /// # Errors
    /// Returns an error if the file is missing or has no certificate.
    pub(super) fn certificates(&self) -> Result<Option<Certificates>, AuthoritiesError> {
        match self {
            Self::System => Ok(None),
            Self::File(file) => read(file).map(Some),
        }
    }
}

/// Returns the TLS settings of connections through a proxy.
pub(super) fn context(certificates: Option<&Certificates>) -> TlsContext {
    let mut store = TrustStore::default();
    if let Some(certificates) = certificates {
        store = TrustStore::empty();
        for certificate in certificates {
            store.add_pem_certificate(pem(certificate));
        }
    }
    let context = TlsContext::builder().with_trust_store(store).build();
    // The builder never fails.
    context.unwrap_or_default()
}

fn read(file: &Setting) -> Result<Certificates, AuthoritiesError> {
    let (path, source_name) = (file.value.clone(), file.source.clone());
    let unreadable = |error: io::Error| AuthoritiesError::Unreadable {
        file: path.clone(),
        source_name: source_name.clone(),
        reason: error.to_string(),
    };
    let bytes = std::fs::read(&path).map_err(unreadable)?;
    // Clients panic at one that they cannot parse, as bundles of old authorities hold.
    let is_usable = |certificate: &CertificateDer<'static>| {
        RootCertStore::empty().add(certificate.clone()).is_ok()
    };
    let certificates: Certificates = CertificateDer::pem_slice_iter(&bytes)
        .filter_map(Result::ok)
        .filter(is_usable)
        .collect();
    if certificates.is_empty() {
        return Err(AuthoritiesError::Empty {
            file: path,
            source_name,
        });
    }
    Ok(certificates)
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    let base64 = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificates(path: &std::path::Path) -> Result<Option<Certificates>, AuthoritiesError> {
        let file = Setting {
            value: path.to_str().unwrap().to_owned(),
            source: "AWS_CA_BUNDLE".into(),
        };
        Authorities::File(file).certificates()
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let text = certificates(&path).unwrap_err().to_string();
        let expected = format!("of `{}`, named by AWS_CA_BUNDLE: No such", path.display());
        assert!(text.contains(&expected), "{text}");
        for content in [
            "",
            "text",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
        ] {
            std::fs::write(&path, content).unwrap();
            let text = certificates(&path).unwrap_err().to_string();
            assert!(text.contains("has no certificate"), "{content}: {text}");
        }
    }
}
