//! Message and location of a panic.

use std::any::Any;
use std::panic;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// A panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Panic {
    pub(super) message: String,
    /// Location as `file:line:column`.
    pub(super) location: Option<String>,
}

/// Record of the last panic of the thread that made it.
#[derive(Clone, Debug, Default)]
pub(super) struct PanicRecord(Arc<Mutex<Option<String>>>);

/// Records where this thread panics from now on; the previous hook still prints.
pub(super) fn record() -> PanicRecord {
    let record = PanicRecord::default();
    let (noted, thread): (PanicRecord, ThreadId) = (record.clone(), thread::current().id());
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

impl PanicRecord {
    /// Returns the panic that was caught with this payload.
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
