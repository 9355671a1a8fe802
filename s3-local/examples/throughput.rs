//! Throughput of request and response bodies between the server and one client over plain sockets.
//!
//! `cargo run --release -p s3-local --example throughput [folder]`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for a terminal"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use s3_local::{BucketOptions, S3Local};

const SIZE: usize = 1 << 30;
const ROUNDS: u32 = 5;

fn main() {
    let builder = S3Local::builder();
    let server = match std::env::args_os().nth(1) {
        Some(folder) => builder.on_folder(folder),
        None => builder,
    }
    .start();
    if !server.buckets().contains(&"bench".to_owned()) {
        server.create_bucket_with("bench", BucketOptions::new().public_read());
    }
    server.put("bench", "large", vec![7; SIZE]);
    server.put("bench", "small", vec![7; 4096]);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_nodelay(true).unwrap();
    for round in 1..=ROUNDS {
        let start = Instant::now();
        let received = get(&mut stream, "large", "");
        report("GET of 1 GiB", round, received, start);
    }
    for round in 1..=ROUNDS {
        let start = Instant::now();
        let mut received = 0;
        for part in 0..SIZE / (8 << 20) {
            let range = format!(
                "range: bytes={}-{}\r\n",
                part * (8 << 20),
                (part + 1) * (8 << 20) - 1
            );
            received += get(&mut stream, "large", &range);
        }
        report("GETs of 8 MiB ranges", round, received, start);
    }
    let start = Instant::now();
    for _ in 0..10_000 {
        get(&mut stream, "small", "");
    }
    println!(
        "GETs of 4 KiB, one after another: {:.0}/s",
        10_000.0 / start.elapsed().as_secs_f64()
    );
    println!("endpoint {}", server.endpoint_url());
}

#[allow(clippy::cast_precision_loss, reason = "a rate for reading")]
fn report(what: &str, round: u32, bytes: usize, start: Instant) {
    let rate = bytes as f64 / start.elapsed().as_secs_f64() / 1e9;
    println!("{what}, round {round}: {rate:.2} GB/s");
}

/// Reads one object and returns the size of its body.
fn get(stream: &mut TcpStream, key: &str, headers: &str) -> usize {
    let request = format!("GET /bench/{key} HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut filled = 0;
    let head = loop {
        filled += stream.read(&mut buffer[filled..]).unwrap();
        let end = buffer[..filled]
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_lowercase();
    assert!(text.starts_with("http/1.1 20"), "{text}");
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let length: usize = length.trim().parse().unwrap();
    let mut received = filled - head;
    while received < length {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "the connection ended early");
        received += read;
    }
    length
}
