//! The server process: one command a line on standard input, one reply a line on standard output.

use std::io::{self, BufRead, Write};
use std::time::Duration;

use s3_local::{S3Local, Server};

use super::{NAME, content};

/// Serves until standard input ends.
pub fn serve() -> io::Result<()> {
    let server = S3Local::builder().start();
    server.create_bucket(NAME);
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

fn obey(server: &Server, command: &str) -> Result<u64, String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words[..] {
        ["pace", latency, bandwidth] => {
            let bandwidth = number(bandwidth)?;
            let latency = Duration::from_nanos(number(latency)?);
            server.knobs().set_latency(latency);
            let bandwidth = Some(bandwidth).filter(|&limit| limit > 0);
            server.knobs().set_bandwidth(bandwidth);
            Ok(0)
        }
        ["put", key, size] => {
            server.put(NAME, key, content::object(number(size)?));
            Ok(0)
        }
        ["take", key, size] => {
            let object = server.get(NAME, key).ok_or("there is no such object")?;
            content::check(&object, number(size)?)?;
            server.delete(NAME, key);
            Ok(0)
        }
        ["requests"] => {
            let total = server.log().total();
            server.log().clear();
            Ok(total)
        }
        _ => Err("unknown command".to_owned()),
    }
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|error| format!("`{word}`: {error}"))
}
