//! A program whose functions are its command line: `cargo run --features cli,schedule --example tasks -- list`.
//!
//! ```sh
//! cargo build --features cli,schedule --example tasks
//! alias tasks=target/debug/examples/tasks
//! tasks run words --file poems/short.txt
//! tasks run grep --pattern be --files hello.txt --files poems/short.txt --number
//! printf '"hello.txt"\n"poems/short.txt"\n' | tasks run words --inputs -
//! tasks policy
//! tasks serve
//! ```
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};
use std::{env, fs, io, thread};

use s3_local::{S3Local, Server};
use serde::{Deserialize, Serialize};
use stub::{CloudBucketMount, Cron, Secret};

/// Number of lines, words and bytes of a text.
#[derive(Debug, Serialize, Deserialize)]
struct Size {
    lines: usize,
    words: usize,
    bytes: usize,
}

/// Counts the lines, words and bytes of a file.
///
/// The file is a key of the bucket `examples`.
#[stub::function(volumes = <"/in" => bucket().read_only(true)>)]
fn words(file: String) -> io::Result<Size> {
    let text = fs::read_to_string(Path::new("/in").join(file))?;
    Ok(Size {
        lines: text.lines().count(),
        words: text.split_whitespace().count(),
        bytes: text.len(),
    })
}

/// Finds the lines that hold a text.
#[stub::function(volumes = <"/in" => bucket().read_only(true)>)]
fn grep(
    pattern: String,
    files: Vec<String>,
    most: Option<usize>,
    number: bool,
) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(Path::new("/in").join(&file))?;
        for (index, line) in text.lines().enumerate() {
            if line.contains(&pattern) {
                let place = if number {
                    format!("{file}:{}", index + 1)
                } else {
                    file.clone()
                };
                found.push(format!("{place}: {line}"));
            }
        }
    }
    found.truncate(most.unwrap_or(usize::MAX));
    Ok(found)
}

/// Writes a text to a file of the bucket.
#[stub::function(volumes = <"/out" => bucket().key_prefix("out/")>)]
fn note(name: String, text: String) -> io::Result<()> {
    fs::write(Path::new("/out").join(name), text)
}

/// Prints a text as often as it is told to, and a part of a line.
#[stub::function(max_containers = 2)]
fn say(text: String, times: u32) {
    for number in 1..=times {
        println!("{text} {number}");
    }
    eprint!("{text} ends");
}

/// Notes the time, each second.
#[stub::function(name = "tick-each-second", volumes = <"/out" => bucket().key_prefix("out/")>, schedule = Cron("* * * * * *"))]
fn tick() -> io::Result<()> {
    let seconds = UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
    fs::write("/out/tick", seconds.to_string())
}

/// Waits, after it has written that it does.
#[stub::function(volumes = <"/out" => bucket().key_prefix("out/")>, timeout = Duration::from_secs(60))]
fn wait(seconds: u64) -> io::Result<()> {
    fs::write("/out/waiting", "yes")?;
    thread::sleep(Duration::from_secs(seconds));
    Ok(())
}

fn main() -> ExitCode {
    stub::cli()
}

static SERVER: OnceLock<Server> = OnceLock::new();

/// Returns a bucket of the server that `S3_ENDPOINT_URL` names, with the credentials of the standard AWS
/// chain. Without the variable, the server is inside this process.
fn bucket() -> CloudBucketMount {
    let bucket = CloudBucketMount::new("examples").force_path_style(true);
    if let Ok(url) = env::var("S3_ENDPOINT_URL") {
        return bucket.bucket_endpoint_url(url);
    }
    let server = SERVER.get_or_init(|| {
        let server = S3Local::builder().start();
        server.create_bucket("examples");
        server.put("examples", "hello.txt", "Hello from a bucket.\n");
        server.put("examples", "poems/short.txt", "to be\nor not to be\n");
        server
    });
    bucket
        .bucket_endpoint_url(server.endpoint_url())
        .secret(Secret::from_dict([
            ("AWS_ACCESS_KEY_ID", server.access_key_id()),
            ("AWS_SECRET_ACCESS_KEY", server.secret_access_key()),
        ]))
}
