//! Bucket of a benchmark: an S3 server in its own process, so that its processor time and memory are not
//! counted as another program's.

pub mod content;
mod requests;
mod serve;

pub use requests::Requests;
pub use serve::serve;

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Name of the bucket.
pub const NAME: &str = "bench";

/// Name of a bucket for programs that store files in a layout of their own.
pub const VOLUMES: &str = "volumes";

/// Argument that makes a benchmark's executable the server.
pub const SERVE: &str = "serve";

/// Returns the key of one of many objects; the keys' order is that of their numbers.
pub fn nth_key(prefix: &str, n: u32) -> String {
    format!("{prefix}{n:07}")
}

/// Server process with one bucket. It ends when this value is dropped, or with this process.
pub struct Bucket {
    process: Child,
    /// Command pipe; closing it ends the server.
    commands: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
    pub endpoint_url: String,
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl Bucket {
    /// Starts this executable again as a server with an empty bucket. `options` precede the argument
    /// [`SERVE`].
    pub fn start(options: &[&OsStr]) -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(options)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let commands = process.stdin.take();
        let stdout = process.stdout.take().ok_or_else(ended)?;
        let mut replies = BufReader::new(stdout);
        let mut hello = String::new();
        replies.read_line(&mut hello)?;
        let words: Vec<&str> = hello.split_whitespace().collect();
        let [url, id, secret] = words[..] else {
            return Err(ended());
        };
        Ok(Self {
            process,
            commands,
            replies,
            endpoint_url: url.to_owned(),
            access_key_id: id.to_owned(),
            secret_access_key: secret.to_owned(),
        })
    }

    /// Sets the latency of every request and the bytes per second of every body.
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn set_pace(&mut self, latency: Duration, bandwidth: Option<u64>) -> io::Result<()> {
        let bandwidth = bandwidth.unwrap_or(0);
        self.ask(&format!("pace {} {bandwidth}", latency.as_nanos()))?;
        Ok(())
    }

    /// Stores object 0 of [`content`].
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn put(&mut self, key: &str, size: u64) -> io::Result<()> {
        self.ask(&format!("put {key} {size}"))?;
        Ok(())
    }

    /// Stores many objects of [`content`], numbered from 0, at the keys of [`nth_key`].
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn fill(&mut self, prefix: &str, count: u32, size: u64) -> io::Result<()> {
        self.ask(&format!("fill {prefix} {count} {size}"))?;
        Ok(())
    }

    /// Stores object 0 of [`content`] many times, at the keys of [`nth_key`]. The server holds its bytes
    /// once.
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn repeat(&mut self, prefix: &str, count: u32, size: u64) -> io::Result<()> {
        self.ask(&format!("repeat {prefix} {count} {size}"))?;
        Ok(())
    }

    /// Stalls one in `one_in` bodies for a time, until the bucket is cleared.
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn stall(&mut self, one_in: u32, time: Duration) -> io::Result<()> {
        self.ask(&format!("stall {one_in} {}", time.as_nanos()))?;
        Ok(())
    }

    /// Deletes every object of both buckets.
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn clear(&mut self) -> io::Result<()> {
        self.ask("clear")?;
        Ok(())
    }

    /// Checks that an object has this size and the content of object 0 of [`content`], and deletes it.
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn take(&mut self, key: &str, size: u64) -> io::Result<()> {
        self.ask(&format!("take {key} {size}"))?;
        Ok(())
    }

    /// Returns the number of objects, folders not counted.
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn count(&mut self) -> io::Result<u64> {
        self.ask("count")?.parse().map_err(io::Error::other)
    }

    /// Returns the requests since the last call.
    #[allow(dead_code, reason = "each benchmark uses its part")]
    pub fn requests(&mut self) -> io::Result<Requests> {
        self.ask("requests")?.parse()
    }

    fn ask(&mut self, command: &str) -> io::Result<String> {
        let commands = self.commands.as_mut().ok_or_else(ended)?;
        writeln!(commands, "{command}")?;
        let mut reply = String::new();
        self.replies.read_line(&mut reply)?;
        match reply.trim_end_matches('\n').split_once(' ') {
            Some(("ok", value)) => Ok(value.to_owned()),
            _ => Err(io::Error::other(format!("{command}: {}", reply.trim_end()))),
        }
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        drop(self.commands.take());
        // Nothing to be done about a server that can't be waited for.
        let _ = self.process.wait();
    }
}

fn ended() -> io::Error {
    io::Error::other("the server process ended")
}
