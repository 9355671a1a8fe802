//! Server, SDK clients and assertions for the tests.

use std::fmt::Debug;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use s3_local::{S3Local, Server};

/// Starts a server in memory with the bucket `data`.
pub(crate) fn server() -> Server {
    let server = S3Local::builder().start();
    server.create_bucket("data");
    server
}

/// Returns a client with the server's root key.
pub(crate) fn client(server: &Server) -> Client {
    client_with(server, server.access_key_id(), server.secret_access_key())
}

/// Returns a client with another key.
pub(crate) fn client_with(server: &Server, id: &str, secret: &str) -> Client {
    let credentials = Credentials::new(id, secret, None, None, "test");
    Client::from_conf(config(server).credentials_provider(credentials).build())
}

/// Returns the configuration common to all clients: no retries, so that each error is visible.
pub(crate) fn config(server: &Server) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(server.endpoint_url())
        .region(Region::new(server.region().to_owned()))
        .retry_config(RetryConfig::disabled())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
}

/// Asserts that a request failed with this status and error code.
#[track_caller]
pub(crate) fn assert_refused<T, E>(result: Result<T, SdkError<E>>, status: u16, code: &str)
where
    T: Debug,
    E: ProvideErrorMetadata + Debug,
{
    let error = result.expect_err("the request must fail");
    let raw = error
        .raw_response()
        .unwrap_or_else(|| panic!("no answer: {error:?}"));
    assert_eq!(
        (raw.status().as_u16(), error.code()),
        (status, Some(code)),
        "{error:?}"
    );
}

/// Asserts that a request failed with this status; the answer to a HEAD has no code.
#[track_caller]
pub(crate) fn assert_status<T, E>(result: Result<T, SdkError<E>>, status: u16)
where
    T: Debug,
    E: Debug,
{
    let error = result.expect_err("the request must fail");
    let raw = error
        .raw_response()
        .unwrap_or_else(|| panic!("no answer: {error:?}"));
    assert_eq!(raw.status().as_u16(), status, "{error:?}");
}

/// Returns the object's bytes as a client reads them.
pub(crate) async fn read(client: &Client, key: &str) -> Vec<u8> {
    let output = client
        .get_object()
        .bucket("data")
        .key(key)
        .send()
        .await
        .unwrap();
    output.body.collect().await.unwrap().to_vec()
}

/// Returns pseudorandom bytes that differ from position to position.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(step).collect()
}

/// Sends a plain HTTP request and returns everything received until the connection ended, as text.
pub(crate) fn raw(server: &Server, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(server.address())?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Sends a GET without credentials on a connection of its own.
pub(crate) fn anonymous_get(server: &Server, path: &str) -> std::io::Result<String> {
    raw(
        server,
        &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
    )
}
