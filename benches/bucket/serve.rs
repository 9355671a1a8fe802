//! Server process: one command per line on standard input, one reply per line on standard output.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

use s3_local::{Etags, Fault, Injection, Operation, S3Local, Server};

use super::{NAME, Requests, VOLUMES, content};

/// Bytes of a body before it stalls.
const BEFORE_STALL: u64 = 64 << 10;

/// Serves until standard input ends. With a file, serves HTTPS, and writes its certificate there.
pub fn serve(opaque_etags: bool, certificate: Option<&Path>) -> io::Result<()> {
    let etags = if opaque_etags {
        Etags::Opaque
    } else {
        Etags::Md5
    };
    let mut builder = S3Local::builder().etags(etags);
    if certificate.is_some() {
        builder = builder.https();
    }
    let server = builder.start();
    if let (Some(file), Some(certificate)) = (certificate, server.certificate()) {
        fs::write(file, certificate)?;
    }
    server.create_bucket(NAME);
    server.create_bucket(VOLUMES);
    let mut replies = io::stdout().lock();
    let (url, id) = (server.endpoint_url(), server.access_key_id());
    writeln!(replies, "{url} {id} {}", server.secret_access_key())?;
    for command in io::stdin().lock().lines() {
        match obey(&server, &command?) {
            Ok(value) => writeln!(replies, "ok {value}")?,
            Err(reason) => writeln!(replies, "error {reason}")?,
        }
    }
    Ok(())
}

fn obey(server: &Server, command: &str) -> Result<String, String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words[..] {
        ["pace", latency, bandwidth] => {
            let bandwidth = number(bandwidth)?;
            let latency = Duration::from_nanos(number(latency)?);
            server.knobs().set_latency(latency);
            let bandwidth = Some(bandwidth).filter(|&limit| limit > 0);
            server.knobs().set_bandwidth(bandwidth);
        }
        ["put", key, size] => {
            server.put(NAME, key, content::object(0, number(size)?));
        }
        ["fill", prefix, count, size] => fill(server, prefix, number(count)?, number(size)?)?,
        ["repeat", prefix, count, size] => repeat(server, prefix, number(count)?, number(size)?)?,
        ["stall", one_in, time] => {
            let one_in = u32::try_from(number(one_in)?).map_err(|error| error.to_string())?;
            let fault = Fault::PauseBody(BEFORE_STALL, Duration::from_nanos(number(time)?));
            let stalled = Injection::new(Operation::GetObject, fault);
            server
                .knobs()
                .inject(stalled.after(one_in).every(one_in).times(u32::MAX));
        }
        ["clear"] => {
            server.knobs().clear_injections();
            for bucket in [NAME, VOLUMES] {
                for key in server.keys(bucket) {
                    server.delete(bucket, &key);
                }
            }
        }
        ["take", key, size] => {
            let object = server.get(NAME, key).ok_or("there is no such object")?;
            let checked = content::check(&object, 0, number(size)?);
            checked.map_err(|wrong| wrong.to_string())?;
            server.delete(NAME, key);
        }
        ["count"] => {
            let keys = server.keys(NAME);
            let files = keys.iter().filter(|key| !key.ends_with('/'));
            return Ok(files.count().to_string());
        }
        ["requests"] => {
            let requests = Requests::of(server.log());
            server.log().clear();
            return Ok(requests.to_words());
        }
        _ => return Err("unknown command".to_owned()),
    }
    Ok(String::new())
}

/// Stores many objects, each with its number in key and content.
fn fill(server: &Server, prefix: &str, count: u64, size: u64) -> Result<(), String> {
    let count = u32::try_from(count).map_err(|error| error.to_string())?;
    let mut bytes = content::object(0, size);
    for n in 0..count {
        content::number(&mut bytes, n, 0);
        server.put(NAME, &super::nth_key(prefix, n), bytes.clone());
    }
    Ok(())
}

/// Stores the same object many times; its bytes are held once.
fn repeat(server: &Server, prefix: &str, count: u64, size: u64) -> Result<(), String> {
    let count = u32::try_from(count).map_err(|error| error.to_string())?;
    let first = super::nth_key(prefix, 0);
    server.put(NAME, &first, content::object(0, size));
    let object = server.get(NAME, &first).ok_or("the object is gone")?;
    for n in 1..count {
        server.put(NAME, &super::nth_key(prefix, n), object.clone());
    }
    Ok(())
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|error| format!("`{word}`: {error}"))
}
