//! TLS in front of a server, with a certificate of its own.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

/// Makes `cert.pem` and `key.pem` in a folder: a certificate for a host that no authority has
/// signed.
pub(crate) fn certify(folder: &Path, host: &str) {
    let made = Command::new("openssl")
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9".split(' '))
        .args("-keyout key.pem -out cert.pem -subj".split(' '))
        .arg(format!("/CN={host}"))
        .args(["-addext", &format!("subjectAltName=DNS:{host}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// TLS server that passes requests on. It answers as long as the tests run.
pub(crate) struct Gateway {
    folder: TempDir,
    pub(crate) address: SocketAddr,
}

impl Gateway {
    /// Starts a gateway to `http://HOST:PORT`, with a certificate for this host.
    pub(crate) fn start(host: &str, url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path(), host);
        let key = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).unwrap();
        let chain = CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .unwrap();
        let (config, upstream) = (Arc::new(config), url.replace("http://", ""));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let stream = StreamOwned::new(tls, stream.unwrap());
                let upstream = upstream.clone();
                thread::spawn(move || serve(stream, &upstream));
            }
        });
        Self { folder, address }
    }

    /// Returns the file with the certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// Returns a file with another certificate for the same host.
    pub(crate) fn other_certificate(&self, host: &str) -> PathBuf {
        let folder = self.folder.path().join("other");
        fs::create_dir_all(&folder).unwrap();
        certify(&folder, host);
        folder.join("cert.pem")
    }
}

/// Passes the one request of a connection on. A client that does not trust the certificate ends it
/// before.
fn serve(mut stream: impl Read + Write, upstream: &str) {
    let Some(head) = head(&mut stream) else {
        return;
    };
    let mut body = vec![0; content_length(&head)];
    if stream.read_exact(&mut body).is_ok() {
        let answer = forwarded(&head, &body, upstream);
        let _ = stream.write_all(&answer);
        let _ = stream.flush();
    }
}

/// Reads a request up to its body.
pub(crate) fn head(stream: &mut impl Read) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// Returns the value of a header of a request.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let (_, value) = lines.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(value)
}

pub(crate) fn content_length(head: &str) -> usize {
    header(head, "content-length").map_or(0, |length| length.parse().unwrap())
}

/// Returns the response of a server to a request, on a connection of its own.
pub(crate) fn forwarded(head: &str, body: &[u8], upstream: &str) -> Vec<u8> {
    let mut server = TcpStream::connect(upstream).unwrap();
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(body).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    answer
}
