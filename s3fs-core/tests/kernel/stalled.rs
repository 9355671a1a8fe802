//! Servers some of whose responses stall, and servers that want fewer requests.

use std::fs;

use s3_local::{Fault, Injection, Operation, Server};
use stub_test_support::noise;

use crate::mounted::{BUCKET, Bucket, server};

/// Files that one GET each reads.
const FILES: usize = 200;

/// Bytes of a body before it stalls.
const BEFORE: u64 = 1000;

fn name(number: usize) -> String {
    format!("{:04}", number * 37 % FILES)
}

/// Reads each file once, in no order that could be predicted.
fn read_all(bucket: &Bucket, content: &[u8]) {
    for number in 0..FILES {
        assert!(fs::read(bucket.at(&name(number))).unwrap() == content);
    }
}

fn filled(content: &[u8]) -> Server {
    let server = server();
    for number in 0..FILES {
        server.put(BUCKET, &name(number), content.to_vec());
    }
    server
}

/// Returns the number of GETs, and that of those sent while another for the same key was answered.
fn gets(server: &Server) -> (usize, usize) {
    let mut requests = server.log().requests();
    requests.retain(|request| request.operation == Operation::GetObject);
    let beside = requests.iter().filter(|request| request.of_its_key > 1);
    (requests.len(), beside.count())
}

#[test]
fn the_rest_of_a_stalled_body_is_requested_beside_it() {
    let content = noise(300 << 10);
    let bucket = Bucket::mount(filled(&content), |_| {});
    let knobs = bucket.server.knobs();
    // The server sends no more of them until the client gives up.
    let stalled = Injection::new(Operation::GetObject, Fault::StallBody(BEFORE));
    knobs.inject(stalled.after(120).every(15).times(3));
    read_all(&bucket, &content);
    assert_eq!(knobs.pending_faults(), 0);
    let (all, beside) = gets(&bucket.server);
    assert!(beside >= 3, "{beside} of {all}");
    assert!(all <= FILES + FILES / 20 + 3, "{all}");
}

#[test]
fn a_request_without_a_response_is_sent_again_beside_it() {
    let content = noise(300 << 10);
    let bucket = Bucket::mount(filled(&content), |_| {});
    let knobs = bucket.server.knobs();
    let silent = Injection::new(Operation::GetObject, Fault::Hang);
    knobs.inject(silent.after(120).every(15).times(3));
    read_all(&bucket, &content);
    assert_eq!(knobs.pending_faults(), 0);
    let (all, beside) = gets(&bucket.server);
    assert!(beside >= 3, "{beside} of {all}");
}

#[test]
fn a_slow_but_steady_server_gets_hardly_more_requests() {
    let content = noise(300 << 10);
    let server = filled(&content);
    server
        .knobs()
        .set_latency(std::time::Duration::from_millis(30));
    server.knobs().set_bandwidth(Some(10 << 20));
    let bucket = Bucket::mount(server, |_| {});
    read_all(&bucket, &content);
    let (all, beside) = gets(&bucket.server);
    assert!(beside <= 2 + FILES / 20, "{beside} of {all}");
    assert!(all <= FILES + 2 + FILES / 20, "{all}");
}
