//! What a panic said, and where.

use std::any::Any;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// A panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Panic {
    pub(super) message: String,
    /// `file:line:column`.
    pub(super) location: Option<String>,
}

/// The last panic of the thread that made this.
#[derive(Clone, Debug, Default)]
pub(super) struct Record(Arc<Mutex<Option<String>>>);

/// Notes where this thread panics from now on; the hook that was there still prints.
pub(super) fn record() -> Record {
    let record = Record::default();
    let (noted, thread): (Record, ThreadId) = (record.clone(), thread::current().id());
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // Another thread's panic is the body's own business until it is joined.
        if thread::current().id() == thread {
            let mut location = noted.0.lock().unwrap_or_else(PoisonError::into_inner);
            *location = info.location().map(ToString::to_string);
        }
        previous(info);
    }));
    record
}

impl Record {
    /// The panic that was caught with this payload.
    pub(super) fn take(&self, payload: &(dyn Any + Send)) -> Panic {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "(a value that is not a text)".to_owned());
        let location = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Panic { message, location }
    }
}
