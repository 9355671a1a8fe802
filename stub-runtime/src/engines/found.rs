//! Reattaching to calls that an earlier program began on a cluster.

use std::sync::Arc;

use crate::call::{Error, ErrorKind, Outcome, Result};
use crate::cluster;
use crate::codec::{Json, Payload};
use crate::local::caller::MapEvent;
use crate::local::interrupt::Interruptible;
use crate::observe::logs::Prefixed;

use super::Mapped;

/// A call after reattaching: an iterator over the results of its inputs, in the order in which they end.
#[derive(Debug)]
pub(crate) struct FoundCall {
    mapped: Mapped,
    is_map: bool,
    is_command: bool,
    is_over: bool,
}

/// Result of an input of such a call.
#[derive(Debug)]
pub(crate) enum FoundValue {
    /// Value, shown as JSON as far as possible.
    Value(serde_json::Value),
    /// Outcome of a command.
    Command(Outcome),
}

/// Reattaches to a call that an earlier program began. Its output goes to this program's own streams.
///
/// # Errors
/// No call has that id, or another process attends to it, or its spool can't be reached.
pub(crate) fn attach(id: &str) -> Result<FoundCall> {
    let attached = cluster::attach(id, Some(Arc::new(Prefixed)))?;
    Ok(FoundCall {
        mapped: Mapped::Remote(Box::new(attached.remote)),
        is_map: attached.is_map,
        is_command: attached.is_command,
        is_over: false,
    })
}

/// Ends a call that an earlier program began; stores what has been written.
///
/// # Errors
/// Fails like `attach`, or if something could not be stored.
pub fn cancel_found(id: &str) -> Result<()> {
    let attached = cluster::attach(id, None)?;
    let mut mapped = Mapped::Remote(Box::new(attached.remote));
    mapped.ender().cancel(crate::call::GRACE);
    let mut failed = None;
    while let Some(next) = mapped.next(false) {
        if let MapEvent::Done(done) = next
            && let Err(error) = done.result
            && matches!(
                error.kind,
                ErrorKind::NotStored { .. } | ErrorKind::Engine { .. }
            )
        {
            failed.get_or_insert(error);
        }
    }
    let late = mapped.finish();
    // That its caller was gone is why it is cancelled here.
    let late = late.filter(|error| !matches!(error.kind, ErrorKind::Lost { .. }));
    failed.or(late).map_or(Ok(()), Err)
}

impl FoundCall {
    /// Returns whether the call has many inputs.
    pub(crate) fn is_map(&self) -> bool {
        self.is_map
    }

    /// Returns the handle that ends the call from another thread.
    pub(crate) fn ender(&self) -> impl Interruptible + use<> {
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
    /// Index of the input, and its result. The index is absent for one of several values, and for
    /// an error of the whole call.
    type Item = (Option<u64>, Result<FoundValue>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            match self.mapped.next(false) {
                Some(MapEvent::Done(done)) => {
                    let value = done.result.and_then(|payload| self.value(payload));
                    return Some((Some(done.index), value));
                }
                Some(MapEvent::Emitted(payload)) => return Some((None, self.value(payload))),
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
