//! Events of a map, as its consumer gets them.

use std::io;

use crate::call::Error;
use crate::codec::Payload;

/// Event of a map, as its consumer gets it.
#[derive(Debug)]
pub(crate) enum MapEvent {
    /// An input has ended.
    Done(Done),
    /// An input has given one of several values.
    Emitted(Payload),
    /// The iterator has returned an input, or an error.
    Input(io::Result<Payload>),
    /// The iterator has ended.
    NoMore,
    /// The map was ended from outside.
    Ended,
}

/// An input's end.
#[derive(Debug)]
pub(crate) struct Done {
    /// Its place among the inputs, from 0.
    pub(crate) index: u64,
    pub(crate) result: Result<Payload, Error>,
}
