//! Start, stop, and redaction of secrets.

use std::net::TcpStream;

use s3_local::{Error, Etags, S3Local};

use crate::fixture::{client, server};

#[test]
fn a_server_starts_and_stops_without_a_runtime() {
    let server = server();
    let address = server.address();
    assert!(address.ip().is_loopback());
    TcpStream::connect(address).unwrap();
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[tokio::test]
async fn a_server_stops_inside_a_runtime_with_connections_open() {
    let server = server();
    let client = client(&server);
    client.list_buckets().send().await.unwrap();
    drop(server);
    client.list_buckets().send().await.unwrap_err();
}

#[test]
fn a_port_can_be_chosen_and_is_taken_once() {
    let first = server();
    let port = first.address().port();
    let error = S3Local::builder().port(port).try_start().unwrap_err();
    assert!(matches!(error, Error::Listen { port: refused, .. } if refused == port));
    drop(first);
    let again = S3Local::builder().port(port).start();
    assert_eq!(again.address().port(), port);
}

#[test]
fn secrets_differ_and_do_not_show() {
    let (one, other) = (server(), server());
    assert_ne!(one.secret_access_key(), other.secret_access_key());
    assert!(!format!("{one:?}").contains(one.secret_access_key()));
    let builder = S3Local::builder().root_key("ID", "hush");
    assert!(!format!("{builder:?}").contains("hush"));
}

#[test]
fn opaque_etags_do_not_depend_on_the_bytes() {
    let server = S3Local::builder().etags(Etags::Opaque).start();
    server.create_bucket("data");
    let etag = server.put("data", "k", "hello");
    assert_eq!(etag.len(), 32);
    assert_ne!(etag, server.put("data", "k", "hello"));
}

#[test]
#[should_panic(expected = "create bucket No Such Name")]
fn a_bucket_name_that_s3_does_not_allow_is_refused() {
    server().create_bucket("No Such Name");
}
