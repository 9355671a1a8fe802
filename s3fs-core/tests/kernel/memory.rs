//! Memory for file contents: more of it is for more bodies in flight, and its limit holds.

use std::fs::{self, File};
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use s3_local::Server;
use stub_test_support::eventually;

use crate::mounted::{BUCKET, Bucket, server};

const MIB: usize = 1 << 20;

/// Starts a server with a file whose bodies each arrive at 2 MiB a second.
fn slow_bodies() -> Server {
    let server = server();
    server.put(BUCKET, "file", vec![7; 384 * MIB]);
    server.knobs().set_latency(Duration::from_millis(20));
    server.knobs().set_bandwidth(Some(2 << 20));
    server
}

/// Returns the number of connections that clients have to the server: those of requests in flight, and
/// of earlier ones.
fn connections(server: &Server) -> usize {
    let port = format!(":{:04X}", server.address().port());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let remote = table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2));
    remote.filter(|address| address.ends_with(&port)).count()
}

/// Reads from the beginning of the file until told to stop; returns the number of bytes.
fn read_until(bucket: &Bucket, most: usize, stop: &AtomicBool) -> usize {
    let mut file = File::open(bucket.at("file")).unwrap();
    let (mut buffer, mut read) = (vec![0; MIB], 0);
    while read < most && !stop.load(Ordering::Relaxed) {
        let got = file.read(&mut buffer).unwrap();
        assert!(buffer[..got].iter().all(|&byte| byte == 7));
        read += got;
    }
    read
}

#[test]
fn more_memory_lets_a_stream_have_more_bodies_in_flight() {
    let bucket = Bucket::mount_with(slow_bodies(), Some(512 << 20), |_| {});
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| read_until(&bucket, 384 * MIB, &stop));
        eventually("no more than 24 bodies are in flight", || {
            connections(&bucket.server) > 24
        });
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn little_memory_leaves_a_stream_few_bodies_in_flight() {
    let bucket = Bucket::mount_with(slow_bodies(), Some(16 << 20), |_| {});
    let read = read_until(&bucket, 32 * MIB, &AtomicBool::new(false));
    assert_eq!(read, 32 * MIB);
    let count = connections(&bucket.server);
    assert!(count <= 8, "{count} connections");
}

#[test]
fn sixteen_readers_share_a_limit() {
    let server = server();
    for n in 0..16 {
        server.put(BUCKET, &n.to_string(), vec![n; 24 * MIB]);
    }
    let bucket = Bucket::mount_with(server, Some(32 << 20), |_| {});
    let before = bucket.peak_memory();
    thread::scope(|scope| {
        for n in 0..16_u8 {
            let path = bucket.at(&n.to_string());
            scope.spawn(move || assert!(fs::read(path).unwrap().iter().all(|&byte| byte == n)));
        }
    });
    // Beside the limit, there are unused buffers, and one for each connection.
    let grown = bucket.peak_memory() - before;
    assert!(grown < 96 << 20, "{} MiB", grown >> 20);
}

/// Returns a number of the environment, or the default.
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Prints the rates of one stream and of sixteen, 100 ms away. `RATE` is that of a body in MiB a second,
/// `MEMORY` that of the mount in MiB, `SECONDS` the time that is not measured and the one that is, and
/// `SIZE` that of all files in MiB, which must not be read to their ends.
#[test]
#[ignore = "a measurement"]
#[allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "it prints rates"
)]
fn rates_of_one_stream_and_of_sixteen() {
    let (rate, memory) = (number("RATE", 20), number("MEMORY", 768));
    let (time, size) = (number("SECONDS", 8) as u64, number("SIZE", 2048));
    let time = Duration::from_secs(time);
    for streams in [1, 16] {
        let server = server();
        for n in 0..streams {
            server.put(BUCKET, &n.to_string(), vec![0; size / streams * MIB]);
        }
        server.knobs().set_latency(Duration::from_millis(100));
        server.knobs().set_bandwidth(Some((rate * MIB) as u64));
        let bucket = Bucket::mount_with(server, Some((memory * MIB) as u64), |_| {});
        let counts: Vec<AtomicUsize> = (0..streams).map(|_| AtomicUsize::new(0)).collect();
        let stop = AtomicBool::new(false);
        let now = || counts.iter().map(|count| count.load(Ordering::Relaxed));
        thread::scope(|scope| {
            for (n, count) in counts.iter().enumerate() {
                let (path, stop) = (bucket.at(&n.to_string()), &stop);
                scope.spawn(move || {
                    let (mut file, mut buffer) = (File::open(path).unwrap(), vec![0; MIB]);
                    while !stop.load(Ordering::Relaxed) {
                        count.fetch_add(file.read(&mut buffer).unwrap(), Ordering::Relaxed);
                    }
                });
            }
            thread::sleep(time);
            let (before, start) = (now().collect::<Vec<_>>(), Instant::now());
            thread::sleep(time);
            let seconds = start.elapsed().as_secs_f64();
            let each = now()
                .zip(before)
                .map(|(now, before)| (now - before) as f64 / MIB as f64);
            let mut each: Vec<f64> = each.map(|read| read / seconds).collect();
            stop.store(true, Ordering::Relaxed);
            each.sort_by(f64::total_cmp);
            println!(
                "{streams} streams: {:.0} MiB/s in all, {:.1} to {:.1} each, {} connections",
                each.iter().sum::<f64>(),
                each[0],
                each[streams - 1],
                connections(&bucket.server),
            );
        });
    }
}
