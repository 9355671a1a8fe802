//! The request log and the knobs.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use s3_local::{BucketOptions, Chance, Fault, Injection, Operation, Server};

use crate::fixture::{anonymous_get, assert_refused, assert_status, client, read, server};

fn public_server(bytes: usize) -> Server {
    let server = server();
    server.create_bucket_with("public", BucketOptions::new().public_read());
    server.put("public", "k", vec![b'x'; bytes]);
    server
}

fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[tokio::test]
async fn every_request_is_in_the_log() {
    let server = server();
    server.put("data", "a b", "hello");
    let client = client(&server);
    client
        .get_object()
        .bucket("data")
        .key("a b")
        .range("bytes=1-2")
        .send()
        .await
        .unwrap();
    client
        .get_object()
        .bucket("data")
        .key("none")
        .send()
        .await
        .unwrap_err();
    client
        .put_object()
        .bucket("data")
        .key("new")
        .body(ByteStream::from_static(b"hello"))
        .send()
        .await
        .unwrap();
    client
        .list_objects_v2()
        .bucket("data")
        .send()
        .await
        .unwrap();
    let log = server.log();
    assert_eq!(log.count(Operation::GetObject), 2);
    assert_eq!(log.count(Operation::ListObjectsV2), 1);
    assert_eq!((log.total(), log.writes()), (4, 1));
    let requests = log.requests();
    assert_eq!(requests[0].operation, Operation::GetObject);
    assert_eq!(requests[0].bucket.as_deref(), Some("data"));
    assert_eq!(requests[0].key.as_deref(), Some("a b"));
    assert_eq!(requests[0].range.as_deref(), Some("bytes=1-2"));
    assert_eq!(
        requests[0].access_key.as_deref(),
        Some(server.access_key_id())
    );
    assert_eq!(requests[2].body_length, Some(5));
    let statuses: Vec<_> = requests.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(206), Some(404), Some(200), Some(200)]);
    log.clear();
    assert_eq!((log.total(), log.requests().len()), (0, 0));
}

#[tokio::test]
async fn injected_errors_come_as_often_as_asked_and_carry_nothing_out() {
    let server = server();
    let client = client(&server);
    let knobs = server.knobs();
    knobs.fail_next(Operation::PutObject, 1, Fault::SlowDown503);
    knobs.fail_next(Operation::PutObject, 1, Fault::InternalError500);
    let body = || ByteStream::from(vec![0; 3_000_000]);
    let put = || {
        client
            .put_object()
            .bucket("data")
            .key("k")
            .body(body())
            .send()
    };
    assert_refused(put().await, 503, "SlowDown");
    assert_refused(put().await, 500, "InternalError");
    assert!(server.keys("data").is_empty());
    put().await.unwrap();
    assert_eq!(knobs.pending_faults(), 0);

    knobs.inject(
        Injection::new(Operation::GetObject, Fault::SlowDown503)
            .on_key("k")
            .after(1),
    );
    assert_eq!(read(&client, "k").await.len(), 3_000_000);
    let second = client.get_object().bucket("data").key("k").send().await;
    assert_refused(second, 503, "SlowDown");
    read(&client, "k").await;
}

#[test]
fn a_reset_connection_is_reset() {
    let server = public_server(10);
    server
        .knobs()
        .fail_next(Operation::GetObject, 1, Fault::ResetConnection);
    let error = anonymous_get(&server, "/public/k").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(server.log().requests()[0].status, None);
    assert!(
        anonymous_get(&server, "/public/k")
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
}

#[test]
fn a_truncated_body_ends_before_its_length() {
    let server = public_server(1_000_000);
    server
        .knobs()
        .fail_next(Operation::GetObject, 1, Fault::TruncateBody(1000));
    let answer = anonymous_get(&server, "/public/k").unwrap_or_default();
    assert!(
        answer.to_lowercase().contains("content-length: 1000000"),
        "{answer:.300}"
    );
    assert_eq!(body_of(&answer).len(), 1000);
    assert_eq!(
        body_of(&anonymous_get(&server, "/public/k").unwrap()).len(),
        1_000_000
    );
}

#[tokio::test]
async fn requests_of_all_kinds_fail_by_chance_until_it_ends() {
    let server = server();
    let client = client(&server);
    server.put("data", "k", "x");
    let knobs = server.knobs();
    knobs.set_chance(Some(Chance::new(4, 1, [Fault::SlowDown503])));
    let mut failed = 0;
    for round in 0..60 {
        let put = client.put_object().bucket("data").key(format!("{round}"));
        let put = put.body(ByteStream::from_static(b"x")).send().await.is_ok();
        assert_eq!(server.get("data", &format!("{round}")).is_some(), put);
        let get = client.get_object().bucket("data").key("k").send().await;
        let list = client.list_objects_v2().bucket("data").send().await;
        failed += u64::from(!put) + u64::from(get.is_err()) + u64::from(list.is_err());
    }
    assert!((20..80).contains(&failed), "{failed} of 180");
    assert_eq!(knobs.failed_by_chance(), failed);
    knobs.reset();
    for _ in 0..30 {
        read(&client, "k").await;
    }
}

#[tokio::test]
async fn a_stalled_body_and_a_missing_answer_wait_for_the_client() {
    let server = server();
    server.put("data", "k", vec![0; 100_000]);
    let client = client(&server);
    let patience = Duration::from_millis(300);
    server
        .knobs()
        .fail_next(Operation::GetObject, 1, Fault::Hang);
    let get = client.get_object().bucket("data").key("k").send();
    assert!(tokio::time::timeout(patience, get).await.is_err());
    server
        .knobs()
        .fail_next(Operation::GetObject, 1, Fault::StallBody(10));
    let got = client
        .get_object()
        .bucket("data")
        .key("k")
        .send()
        .await
        .unwrap();
    // The body is received beside another request for the same key, and one for no key.
    client.list_buckets().send().await.unwrap();
    assert_eq!(read(&client, "k").await.len(), 100_000);
    let requests = server.log().requests();
    let counts = |at_end: usize| {
        let request = &requests[requests.len() - at_end];
        (request.in_flight, request.of_its_key)
    };
    assert_eq!((counts(3).1, counts(2), counts(1)), (1, (2, 1), (2, 2)));
    assert!(
        tokio::time::timeout(patience, got.body.collect())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_paused_body_goes_on_with_all_its_bytes() {
    let server = server();
    let content: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    server.put("data", "k", content.clone());
    let client = client(&server);
    let pause = Duration::from_millis(100);
    for (at, bandwidth) in [(0, None), (70_000, None), (70_000, Some(50_000_000))] {
        server.knobs().set_bandwidth(bandwidth);
        let fault = Fault::PauseBody(at, pause);
        server.knobs().fail_next(Operation::GetObject, 1, fault);
        let start = Instant::now();
        assert!(read(&client, "k").await == content);
        assert!(start.elapsed() >= pause);
    }
}

#[tokio::test]
async fn latency_and_bandwidth_take_at_least_their_time() {
    let server = server();
    let client = client(&server);
    server.put("data", "k", vec![0; 200_000]);
    let latency = Duration::from_millis(150);
    server.knobs().set_latency(latency);
    let start = Instant::now();
    client
        .head_object()
        .bucket("data")
        .key("k")
        .send()
        .await
        .unwrap();
    assert!(start.elapsed() >= latency);
    server.knobs().reset();

    server.knobs().set_bandwidth(Some(1_000_000));
    let at_least = Duration::from_millis(200);
    let start = Instant::now();
    assert_eq!(read(&client, "k").await.len(), 200_000);
    assert!(start.elapsed() >= at_least);
    let start = Instant::now();
    let body = ByteStream::from(vec![0; 200_000]);
    client
        .put_object()
        .bucket("data")
        .key("k")
        .body(body)
        .send()
        .await
        .unwrap();
    assert!(start.elapsed() >= at_least);
    assert_eq!(server.knobs().bandwidth(), Some(1_000_000));
}

#[tokio::test]
async fn in_an_outage_every_request_fails_and_afterwards_none() {
    let server = server();
    let client = client(&server);
    let head = || client.head_bucket().bucket("data").send();
    let list = || client.list_objects_v2().bucket("data").send();
    server.knobs().set_outage(Some(Fault::InternalError500));
    assert_status(head().await, 500);
    assert_refused(list().await, 500, "InternalError");
    server.knobs().set_outage(None);
    list().await.unwrap();

    let time = Duration::from_millis(200);
    let start = Instant::now();
    server.knobs().fail_for(time, Fault::SlowDown503);
    while list().await.is_err() {}
    assert!(start.elapsed() >= time);
}

#[tokio::test]
async fn what_is_carried_out_and_reset_is_there() {
    let server = server();
    let client = client(&server);
    server
        .knobs()
        .fail_next(Operation::PutObject, 1, Fault::CarryOutAndReset);
    let put = client.put_object().bucket("data").key("k");
    let error = put.body(ByteStream::from_static(b"x")).send().await;
    assert!(error.unwrap_err().raw_response().is_none());
    assert_eq!(server.get("data", "k").unwrap().as_ref(), b"x");
}

#[test]
fn an_endless_body_comes_for_as_long_as_it_is_read() {
    use std::io::{Read as _, Write as _};

    let server = public_server(10);
    server
        .knobs()
        .fail_next(Operation::GetObject, 1, Fault::EndlessBody);
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    write!(stream, "GET /public/k HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut read = vec![0; 30_000_000];
    stream.read_exact(&mut read).unwrap();
    assert!(read.starts_with(b"HTTP/1.1 200"));
}
