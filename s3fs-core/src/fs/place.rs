//! Where a file is stored that is open for writing.

use std::sync::{Mutex, PoisonError};

use crate::object::{Headers, Key};
use crate::store::Precondition;
use crate::write::{Destination, Place, Stored};

/// One key, and what must hold when the file is stored there for the first time.
#[derive(Debug)]
pub(super) struct KeyPlace {
    key: Key,
    precondition: Mutex<Precondition>,
}

impl KeyPlace {
    pub(super) fn new(key: &Key, precondition: Precondition) -> Self {
        Self {
            key: key.clone(),
            precondition: Mutex::new(precondition),
        }
    }
}

impl Place for KeyPlace {
    fn destination(&self) -> Option<Destination> {
        let precondition = self
            .precondition
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(Destination {
            key: self.key.clone(),
            headers: Headers::default(),
            precondition: precondition.clone(),
        })
    }

    /// It exists now, and is ours to replace.
    fn stored(&self, _stored: &Stored) {
        *self
            .precondition
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Precondition::None;
    }
}
