//! Node side of a call: this program again, started by a scheduler, with a ticket on its standard input.
//!
//! A task is to its sandboxes what the caller is on a machine of its own.

mod environment;
mod pieces;
mod work;

use std::io::{self, Read};
use std::process;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::observe::log;
use crate::observe::watch::say;
use crate::sys;

use super::error::ClusterError;
use super::format::{Batch, Header, VERSION};
use super::names::{BatchId, CALL};
use super::program::is_own;
use super::script::{LATER, TOLD_TO_END, UNFIT};
use super::seal::SealKey;
use super::spool::{Folder, Location, Spool};
use super::ticket::{KeyPlace, Ticket};

use pieces::Pieces;
#[cfg(test)]
pub(super) use pieces::age;

/// Maximum size of a ticket in bytes.
const LONGEST: u64 = 1 << 20;

/// Maximum time that an unavailable spool is retried when a task begins.
const PATIENCE: Duration = Duration::from_mins(3);

/// Pause between these retries.
const PAUSE: Duration = Duration::from_secs(2);

/// Reason why a task does nothing.
#[derive(Debug, thiserror::Error)]
enum TaskError {
    /// No task of this program would run.
    #[error("{0}")]
    Unfit(String),
    /// An object or service is not there, or not now.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Another task has taken the batch, or it was taken back.
    #[error("the key for the batch {0} is gone: another task has it, or nobody wants it any more")]
    Taken(BatchId),
}

/// Runs the batch of this number, and ends the process.
pub(crate) fn main(number: &str) -> ! {
    // What Rust's runtime does before `main`, which this process never reaches.
    let _ = sys::ignore_broken_pipes();
    // The script's own, and whatever the scheduler leaked.
    drop(sys::inherited());
    let _ = sys::set_name("stub-task");
    let status = match run(number) {
        Ok(work::BatchEnd::Done) => 0,
        Ok(work::BatchEnd::Told) => TOLD_TO_END,
        Err(error) => {
            say(&error.to_string());
            match error {
                TaskError::Unfit(_)
                | TaskError::Cluster(ClusterError::Version { .. } | ClusterError::Untrusted(_)) => {
                    UNFIT
                }
                TaskError::Cluster(_) => LATER,
                TaskError::Taken(_) => 0,
            }
        }
    };
    log::end();
    process::exit(status)
}

fn run(number: &str) -> Result<work::BatchEnd, TaskError> {
    let ticket = ticket()?;
    if !is_own(&ticket.program) {
        return Err(TaskError::Unfit(
            "this program is of another build than the one that called: a node runs what its caller runs".to_owned(),
        ));
    }
    let task = number
        .parse()
        .map_err(|_| TaskError::Unfit(format!("`{number}` is no number of a task")))?;
    let id = BatchId {
        submission: ticket.submission,
        task,
    };
    let key = patiently(|| key(&ticket, id))?;
    // Before there is a second thread: the environment is the caller's from here on.
    let (header, batch) = patiently(|| read(&ticket, id, &key))?;
    environment::adopt(&header);
    log::start();
    let open = || Ok(Spool::open(&ticket.spool, &ticket.call, key.clone())?);
    let spool = patiently(open)?;
    let pieces = Pieces::start(spool, id, header.is_map)?;
    let end = work::run(&header, &batch, &pieces);
    pieces.end()?;
    Ok(end)
}

/// Reads the header of all tasks, and the batch of this one. Leaves no thread behind.
fn read(ticket: &Ticket, id: BatchId, key: &SealKey) -> Result<(Header, Batch), TaskError> {
    let spool = Spool::open(&ticket.spool, &ticket.call, key.clone())?;
    let missing = |object: String| ClusterError::Spool {
        operation: "find",
        object,
        reason: "it is not in the spool".to_owned(),
    };
    let header: Option<Header> = spool.get(CALL)?;
    let header = header.ok_or_else(|| missing(CALL.to_owned()))?;
    let batch: Option<Batch> = spool.get(&id.inputs())?;
    Ok((header, batch.ok_or_else(|| missing(id.inputs()))?))
}

/// Retries for a while on errors that may pass.
fn patiently<T>(mut attempt: impl FnMut() -> Result<T, TaskError>) -> Result<T, TaskError> {
    let start = Instant::now();
    loop {
        match attempt() {
            Err(TaskError::Cluster(error)) if error.may_pass() && start.elapsed() < PATIENCE => {
                say(&format!("{error}; trying again"));
                sleep(PAUSE);
            }
            ended => return ended,
        }
    }
}

fn ticket() -> Result<Ticket, TaskError> {
    let mut text = String::new();
    let read = io::stdin().take(LONGEST).read_to_string(&mut text);
    let ticket: serde_json::Value = match read {
        Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
        Err(_) => serde_json::Value::Null,
    };
    let version = ticket["version"].as_u64();
    match version {
        None => Err(TaskError::Unfit(
            "this program was started as a task of a cluster, without a ticket".to_owned(),
        )),
        Some(version) if version != u64::from(VERSION) => Err(TaskError::Unfit(format!(
            "the call has version {version}; this program, of another build, understands {VERSION}"
        ))),
        Some(_) => serde_json::from_value(ticket)
            .map_err(|error| TaskError::Unfit(format!("the ticket is not understood: {error}"))),
    }
}

/// Returns the key of the call. The task that removes its file owns the batch.
fn key(ticket: &Ticket, id: BatchId) -> Result<SealKey, TaskError> {
    let text = match (&ticket.key, &ticket.spool) {
        (KeyPlace::Here(text), _) => text.clone(),
        (KeyPlace::Spool, Location::Folder(root)) => {
            let folder = Folder::new(root.join(&*ticket.call));
            match folder.take(&id.key())? {
                Some(text) => text,
                None => return Err(TaskError::Taken(id)),
            }
        }
        (KeyPlace::Spool, Location::Bucket(_)) => {
            return Err(TaskError::Unfit("the ticket has no key".to_owned()));
        }
        (KeyPlace::File(path), _) => std::fs::read_to_string(path).map_err(|error| {
            TaskError::Unfit(format!(
                "can't read the key in `{}`: {error}",
                path.display()
            ))
        })?,
    };
    SealKey::from_text(&text).ok_or_else(|| TaskError::Unfit("the key is none".to_owned()))
}
