//! Values of a function that returns an iterator.

use std::fmt;
use std::iter::FusedIterator;

use crate::call::{Error, Result};
use crate::codec::Codec;
use crate::engines::Emitted;

/// Values of a call whose function returns `impl Iterator`, as they come.
///
/// The work begins with the first call of `next`, and goes on while values are taken, a few of them
/// ahead. An [`Error`] is the last item. Without one, all values were returned, and everything
/// written is stored. A call is tried again only as long as it has returned no value.
///
/// Dropping it ends the body; files that the body had written are stored.
#[must_use = "nothing is run before values are asked for"]
pub struct Values<V> {
    state: ValuesState,
    value: Codec<V>,
}

enum ValuesState {
    /// The call can't begin.
    Refused(Error),
    Running(Box<Emitted>),
    Over,
}

impl<V> Values<V> {
    pub(crate) fn new(emitted: Result<Emitted>, value: Codec<V>) -> Self {
        let state = emitted.map_or_else(ValuesState::Refused, |emitted| {
            ValuesState::Running(Box::new(emitted))
        });
        Self { state, value }
    }
}

impl<V> Iterator for Values<V> {
    type Item = Result<V>;

    fn next(&mut self) -> Option<Result<V>> {
        if let ValuesState::Running(emitted) = &mut self.state {
            let payload = match emitted.next()? {
                Ok(payload) => payload,
                Err(error) => return Some(Err(error)),
            };
            let decoded = self.value.decode_one(payload);
            return Some(decoded.map_err(|error| Error::value(emitted.attempt().clone(), &error)));
        }
        match std::mem::replace(&mut self.state, ValuesState::Over) {
            ValuesState::Refused(error) => Some(Err(error)),
            ValuesState::Running(_) | ValuesState::Over => None,
        }
    }
}

impl<V> FusedIterator for Values<V> {}

impl<V> fmt::Debug for Values<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").finish_non_exhaustive()
    }
}
