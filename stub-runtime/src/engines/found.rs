//! Calls that an earlier program began on a cluster, found again.

use std::sync::Arc;

use jiff::Timestamp;

use crate::caller::Next;
use crate::cluster;
use crate::error::{Error, Result};
use crate::interrupt::End;
use crate::json::Json;
use crate::logs::Prefixed;
use crate::outcome::Outcome;
use crate::payload::Payload;

use super::Mapped;

/// A call on a cluster that may be going on.
#[derive(Clone, Debug)]
pub struct Found {
    /// What tells it from all others.
    pub id: String,
    /// What is called: `module::name`, or the name of a command.
    pub label: String,
    /// When it began.
    pub began: Timestamp,
    /// The name of its engine.
    pub engine: String,
    /// Where its inputs and values are.
    pub spool: String,
}

/// The calls on clusters that programs of this user began, and whose values nobody has taken to the end; the latest
/// first.
///
/// # Errors
/// The folder with their records can't be read.
pub fn found_calls() -> Result<Vec<Found>> {
    let found = cluster::kept()?.into_iter().map(|record| Found {
        id: record.id,
        label: record.label.to_string(),
        began: record.began,
        engine: record.engine.name().to_string(),
        spool: record.spool,
    });
    Ok(found.collect())
}

/// A call that was taken up. It is an iterator of what its inputs end with, as they do.
#[derive(Debug)]
pub(crate) struct FoundCall {
    mapped: Mapped,
    is_map: bool,
    is_command: bool,
    is_over: bool,
}

/// What an input of a call that was found ended with.
#[derive(Debug)]
pub(crate) enum FoundValue {
    /// A value, which JSON shows as far as it can.
    Value(serde_json::Value),
    /// How a command ended.
    Command(Outcome),
}

/// Takes up a call that an earlier program began. What it prints goes to this program's own streams.
///
/// # Errors
/// There is none of that id, or another process attends to it, or its spool can't be reached.
pub(crate) fn attach(id: &str) -> Result<FoundCall> {
    let attached = cluster::attach(id, Some(Arc::new(Prefixed)))?;
    Ok(FoundCall {
        mapped: Mapped::Remote(Box::new(attached.remote)),
        is_map: attached.is_map,
        is_command: attached.is_command,
        is_over: false,
    })
}

/// Ends a call that an earlier program began: what has been written is stored.
///
/// # Errors
/// As [`attach`]; or something could not be stored.
pub fn cancel_found(id: &str) -> Result<()> {
    let attached = cluster::attach(id, None)?;
    let mut mapped = Mapped::Remote(Box::new(attached.remote));
    mapped.ender().cancel(crate::call::GRACE);
    let mut failed = None;
    while let Some(next) = mapped.next(false) {
        if let Next::Done(done) = next
            && let Err(error @ (Error::NotStored { .. } | Error::Engine { .. })) = done.result
        {
            failed.get_or_insert(error);
        }
    }
    let late = mapped.finish();
    // That its caller was gone is why it is cancelled here.
    let late = late.filter(|error| !matches!(error, Error::Lost { .. }));
    failed.or(late).map_or(Ok(()), Err)
}

impl FoundCall {
    /// Whether it has many inputs.
    pub(crate) fn is_map(&self) -> bool {
        self.is_map
    }

    /// What can end it from another thread.
    pub(crate) fn ender(&self) -> impl End + use<> {
        self.mapped.ender()
    }

    fn value(&self, payload: Payload) -> Result<FoundValue> {
        let shown = if self.is_command {
            payload.decode().map(FoundValue::Command)
        } else {
            payload.decode().map(|Json(value)| FoundValue::Value(value))
        };
        shown.map_err(|error| Error::value(self.mapped.first_attempt(), &error))
    }
}

impl Iterator for FoundCall {
    /// The place of the input, and what it ended with; of one of several values, or an error of the whole call, no
    /// place.
    type Item = (Option<u64>, Result<FoundValue>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            match self.mapped.next(false) {
                Some(Next::Done(done)) => {
                    let value = done.result.and_then(|payload| self.value(payload));
                    return Some((Some(done.index), value));
                }
                Some(Next::Emitted(payload)) => return Some((None, self.value(payload))),
                Some(_) => {}
                None => {
                    self.is_over = true;
                    let error = self.mapped.finish()?;
                    return Some((None, Err(error)));
                }
            }
        }
        None
    }
}
