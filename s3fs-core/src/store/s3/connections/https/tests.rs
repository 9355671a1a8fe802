use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use http_body_util::BodyExt;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use s3_local::{Fault, S3Local, Server};
use tokio::net::TcpStream;

use super::HttpsConnections;

/// Time limit of requests that are to exceed it.
const SHORT: Duration = Duration::from_millis(300);

/// Time limit of requests that are not.
const LONG: Duration = Duration::from_mins(1);

fn connections(trusted: &Server) -> HttpsConnections {
    let pem = trusted.certificate().unwrap();
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    HttpsConnections::new(Some(vec![certificate]))
}

async fn get(
    connections: &HttpsConnections,
    url: &str,
    connect: Duration,
    read: Duration,
) -> Result<HttpResponse, ConnectorError> {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(connect)
        .read_timeout(read)
        .build();
    let request = HttpRequest::get(format!("{url}/bucket/key")).unwrap();
    connections.connector(&settings).call(request).await
}

fn server() -> Server {
    S3Local::builder().https().start()
}

/// Starts a relay to a server. Returns its URL, and the number of connections that it has accepted.
async fn relay(to: &Server) -> (String, Arc<AtomicU32>) {
    let (to, accepted) = (to.address(), Arc::new(AtomicU32::new(0)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let count = Arc::clone(&accepted);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut server = TcpStream::connect(to).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
            });
        }
    });
    (url, accepted)
}

#[tokio::test]
async fn requests_with_different_limits_share_a_connection() {
    let server = server();
    let connections = connections(&server);
    let (url, accepted) = relay(&server).await;
    for read in [LONG, LONG * 2, LONG * 3] {
        let answer = get(&connections, &url, LONG, read).await.unwrap();
        assert_eq!(answer.status().as_u16(), 404);
        // Only a connection whose answer was read to its end is used again.
        answer.into_body().collect().await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(server.log().total(), 3);
    assert_eq!(accepted.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_exceeds_the_limit_of_reading() {
    let server = server();
    server.knobs().set_outage(Some(Fault::Hang));
    let (connections, url) = (connections(&server), server.endpoint_url());
    let error = get(&connections, &url, LONG, SHORT).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let text = crate::object::chain_in_one_line(&error);
    assert!(text.contains("HTTP read timeout"), "{text}");
}

#[tokio::test]
async fn a_port_without_tls_exceeds_the_limit_of_connecting() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let connections = connections(&server());
    let error = get(&connections, &url, SHORT, LONG).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let text = crate::object::chain_in_one_line(&error);
    assert!(text.contains("HTTP connect timeout"), "{text}");
}

#[tokio::test]
async fn a_reset_and_a_closed_port_are_errors_of_the_connection() {
    let server = server();
    let (connections, url) = (connections(&server), server.endpoint_url());
    server.knobs().set_outage(Some(Fault::ResetConnection));
    let error = get(&connections, &url, LONG, LONG).await.unwrap_err();
    let is_transient = error.as_other().is_some();
    assert!(error.is_io() || is_transient, "{error:?}");
    drop(server);
    let error = get(&connections, &url, LONG, LONG).await.unwrap_err();
    assert!(error.is_io(), "{error:?}");
}

#[tokio::test]
async fn another_certificate_is_refused_and_named() {
    let (server, other) = (server(), server());
    let url = server.endpoint_url();
    let error = get(&connections(&other), &url, LONG, LONG)
        .await
        .unwrap_err();
    assert!(error.is_io(), "{error:?}");
    let text = crate::object::chain_in_one_line(&error);
    assert!(text.contains("certificate"), "{text}");
}
