//! The values of a function that is mapped over inputs.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::iter::FusedIterator;

use crate::caller::{Done, Mapped};
use crate::error::{Error, Result};
use crate::expansion::Codec;
use crate::payload::Payload;

/// The values of a function that is being mapped over inputs, in the order of the inputs.
///
/// Made by `f::map` and `f::starmap`. Inputs are taken from their iterator when there is room for them, so
/// there may be any number; the work begins with the first call of `next`. Each item is the value of one
/// input or its [`Error`], whose [attempt](Error::attempt) says which input it was; whoever wants to stop at
/// the first error collects into a `Result`.
///
/// `Ok` means that all that had been written when the body returned is stored. What threads or programs
/// that a body left behind write later, and could not be stored, is one more error, after the last value.
///
/// Dropping it kills what is being run.
///
/// ```no_run
/// # mod f { pub fn map(_: std::ops::Range<u64>) -> stub_runtime::Map<'static, u64> { todo!() } }
/// # fn main() -> stub_runtime::Result<()> {
/// let squares: Vec<u64> = f::map(0..1_000_000).collect::<stub_runtime::Result<_>>()?;
/// for (index, square) in f::map(0..1_000_000).unordered().indexed() {
///     println!("{index}: {}", square?);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is run before values are asked for"]
pub struct Map<'a, V> {
    payloads: Payloads<'a>,
    value: Codec<V>,
}

/// The same before values have types.
pub(crate) struct Payloads<'a> {
    inputs: Inputs<'a>,
    state: State,
    /// Ended, but not asked for.
    held: BTreeMap<u64, Result<Payload>>,
    is_ordered: bool,
    /// Of the values that are asked for in order.
    next: u64,
}

type Inputs<'a> = Box<dyn Iterator<Item = io::Result<Payload>> + 'a>;

enum State {
    /// It can't begin.
    Refused(Error),
    /// There may be more inputs.
    Feeding(Mapped),
    /// There are no more.
    Draining(Mapped),
    Over,
}

impl<'a, V> Map<'a, V> {
    pub(crate) fn new(
        mapped: Result<Mapped>,
        inputs: impl Iterator<Item = io::Result<Payload>> + 'a,
        value: Codec<V>,
    ) -> Self {
        Self {
            payloads: Payloads::new(mapped, inputs, true),
            value,
        }
    }

    /// The values in the order in which they are ready, not in that of the inputs.
    pub fn unordered(mut self) -> Self {
        self.payloads.is_ordered = false;
        self
    }

    /// Each value with the place of its input, from 0.
    pub fn indexed(mut self) -> impl Iterator<Item = (u64, Result<V>)> + use<'a, V> {
        std::iter::from_fn(move || self.next_indexed())
    }

    /// The next value, with the place of its input.
    pub fn next_indexed(&mut self) -> Option<(u64, Result<V>)> {
        let (index, payload) = self.payloads.next()?;
        let value = payload.and_then(|payload| {
            let decoded = self.value.decode_one(payload);
            decoded.map_err(|error| self.payloads.undecodable(index, &error))
        });
        Some((index, value))
    }
}

impl<'a> Payloads<'a> {
    pub(crate) fn new(
        mapped: Result<Mapped>,
        inputs: impl Iterator<Item = io::Result<Payload>> + 'a,
        is_ordered: bool,
    ) -> Self {
        Self {
            inputs: Box::new(inputs),
            state: mapped.map_or_else(State::Refused, State::Feeding),
            held: BTreeMap::new(),
            is_ordered,
            next: 0,
        }
    }

    /// Whether the next value is still to be waited for.
    pub(crate) fn is_waiting(&self) -> bool {
        match self.held.first_key_value() {
            Some((first, _)) => self.is_ordered && *first != self.next,
            None => true,
        }
    }

    /// Whether it was ended from outside.
    pub(crate) fn is_cancelled(&self) -> bool {
        match &self.state {
            State::Feeding(mapped) | State::Draining(mapped) => mapped.is_cancelled(),
            State::Refused(_) | State::Over => false,
        }
    }

    /// The next value, with the place of its input.
    pub(crate) fn next(&mut self) -> Option<(u64, Result<Payload>)> {
        loop {
            self.feed();
            if let Some(held) = self.take_held() {
                return Some(held);
            }
            match &mut self.state {
                State::Feeding(mapped) | State::Draining(mapped) => {
                    if let Some(Done { index, result }) = mapped.next() {
                        self.held.insert(index, result);
                        continue;
                    }
                }
                State::Refused(_) | State::Over => {}
            }
            return match std::mem::replace(&mut self.state, State::Over) {
                State::Refused(error) => Some((self.next, Err(error))),
                State::Feeding(mut mapped) | State::Draining(mut mapped) => {
                    mapped.finish().map(|error| (self.next, Err(error)))
                }
                State::Over => None,
            };
        }
    }

    /// Gives inputs as long as there is room for them.
    fn feed(&mut self) {
        while let State::Feeding(mapped) = &mut self.state
            && mapped.has_room(self.held.len())
        {
            if mapped.is_cancelled() {
                // The first input that was not taken stands for all of them.
                let (index, error) = mapped.skip(|attempt| Error::Cancelled { attempt });
                self.held.insert(index, Err(error));
                return self.drain();
            }
            match self.inputs.next() {
                Some(Ok(input)) => drop(mapped.give(input)),
                Some(Err(error)) => {
                    let reason = error.to_string();
                    let (index, error) =
                        mapped.skip(|attempt| Error::Arguments { attempt, reason });
                    self.held.insert(index, Err(error));
                }
                None => return self.drain(),
            }
        }
    }

    /// No more inputs are taken.
    fn drain(&mut self) {
        if let State::Feeding(mapped) = std::mem::replace(&mut self.state, State::Over) {
            mapped.close();
            self.state = State::Draining(mapped);
        }
    }

    fn take_held(&mut self) -> Option<(u64, Result<Payload>)> {
        let first = self.held.first_entry()?;
        if self.is_ordered && *first.key() != self.next {
            return None;
        }
        self.next += 1;
        Some(first.remove_entry())
    }

    fn undecodable(&self, index: u64, error: &io::Error) -> Error {
        let mut attempt = match &self.state {
            State::Feeding(mapped) | State::Draining(mapped) => mapped.first_attempt(),
            State::Refused(_) | State::Over => crate::Attempt::first("the function"),
        };
        attempt.input = Some(index);
        Error::value(attempt, error)
    }
}

impl<V> Iterator for Map<'_, V> {
    type Item = Result<V>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_indexed().map(|(_, value)| value)
    }
}

impl<V> FusedIterator for Map<'_, V> {}

impl<V> fmt::Debug for Map<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("next", &self.payloads.next)
            .finish_non_exhaustive()
    }
}
