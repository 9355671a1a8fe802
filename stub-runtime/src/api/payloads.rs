//! Values of a map before they have types, in the requested order.

use std::collections::BTreeMap;
use std::io;
use std::iter;

use crate::call::{Attempt, Error, ErrorKind, Result};
use crate::codec::Payload;
use crate::engines::Mapped;
use crate::local::caller::{Done, Feeder, MapEvent};

/// Values of a map before they have types.
pub(crate) struct Payloads<'a> {
    inputs: PayloadInputs<'a>,
    state: PayloadsState,
    /// Results that have ended, and that nobody has asked for.
    held: BTreeMap<u64, Result<Payload>>,
    is_ordered: bool,
    /// Index of the next value, if values are requested in order.
    next: u64,
}

enum PayloadInputs<'a> {
    /// Inputs taken on the thread that asks for values, which may block there.
    Here(Box<dyn Iterator<Item = io::Result<Payload>> + 'a>),
    Beside(Feeder),
}

enum PayloadsState {
    /// The map can't begin.
    Refused(Error),
    /// The iterator may have more inputs.
    Feeding(Mapped),
    /// The iterator has no more inputs.
    Draining(Mapped),
    Over,
}

impl Payloads<'static> {
    /// Creates the values of a map whose inputs a thread of their own takes from their iterator.
    pub(crate) fn beside(
        mapped: Result<Mapped>,
        inputs: impl Iterator<Item = io::Result<Payload>> + Send + 'static,
        is_ordered: bool,
    ) -> Self {
        let begun = mapped.and_then(|mapped| {
            let feeder = Feeder::start(mapped.teller(), inputs);
            Ok((feeder.map_err(|error| mapped.not_fed(error))?, mapped))
        });
        match begun {
            Ok((feeder, mapped)) => Self::of(Ok(mapped), PayloadInputs::Beside(feeder), is_ordered),
            Err(error) => Self::of(
                Err(error),
                PayloadInputs::Here(Box::new(iter::empty())),
                is_ordered,
            ),
        }
    }
}

impl<'a> Payloads<'a> {
    pub(crate) fn new(
        mapped: Result<Mapped>,
        inputs: impl Iterator<Item = io::Result<Payload>> + 'a,
        is_ordered: bool,
    ) -> Self {
        Self::of(mapped, PayloadInputs::Here(Box::new(inputs)), is_ordered)
    }

    fn of(mapped: Result<Mapped>, inputs: PayloadInputs<'a>, is_ordered: bool) -> Self {
        Self {
            inputs,
            state: mapped.map_or_else(PayloadsState::Refused, PayloadsState::Feeding),
            held: BTreeMap::new(),
            is_ordered,
            next: 0,
        }
    }

    /// Creates the values of a map whose inputs were given before.
    pub(crate) fn given(mapped: Mapped) -> Self {
        let mut payloads = Self::new(Ok(mapped), iter::empty(), true);
        payloads.drain();
        payloads
    }

    /// Returns later values as they are ready.
    pub(crate) fn unordered(&mut self) {
        self.is_ordered = false;
    }

    /// Returns the index of the next value in order.
    pub(crate) fn next_index(&self) -> u64 {
        self.next
    }

    /// Returns whether the next value is still to be waited for.
    pub(crate) fn is_waiting(&self) -> bool {
        match self.held.first_key_value() {
            Some((first, _)) => self.is_ordered && *first != self.next,
            None => true,
        }
    }

    /// Returns whether the map was ended from outside.
    pub(crate) fn is_cancelled(&self) -> bool {
        match &self.state {
            PayloadsState::Feeding(mapped) | PayloadsState::Draining(mapped) => {
                mapped.is_cancelled()
            }
            PayloadsState::Refused(_) | PayloadsState::Over => false,
        }
    }

    /// Returns the next value, with the index of its input.
    pub(crate) fn next(&mut self) -> Option<(u64, Result<Payload>)> {
        loop {
            self.feed();
            if let Some(held) = self.take_held() {
                return Some(held);
            }
            let is_fed = matches!(
                (&self.state, &self.inputs),
                (PayloadsState::Feeding(_), PayloadInputs::Beside(_))
            );
            let told = match &mut self.state {
                PayloadsState::Feeding(mapped) | PayloadsState::Draining(mapped) => {
                    mapped.next(is_fed)
                }
                PayloadsState::Refused(_) | PayloadsState::Over => None,
            };
            match told {
                Some(MapEvent::Done(Done { index, result })) => {
                    drop(self.held.insert(index, result));
                }
                Some(MapEvent::Input(input)) => self.came(input),
                Some(MapEvent::NoMore) => self.drain(),
                Some(MapEvent::Ended | MapEvent::Emitted(_)) => {}
                None => return self.end(),
            }
        }
    }

    fn end(&mut self) -> Option<(u64, Result<Payload>)> {
        // One that will never come is not waited for.
        if let Some((index, result)) = self.held.pop_first() {
            self.next = index + 1;
            return Some((index, result));
        }
        match std::mem::replace(&mut self.state, PayloadsState::Over) {
            PayloadsState::Refused(error) => Some((self.next, Err(error))),
            PayloadsState::Feeding(mut mapped) | PayloadsState::Draining(mut mapped) => {
                mapped.finish().map(|error| (self.next, Err(error)))
            }
            PayloadsState::Over => None,
        }
    }

    /// Gives or requests inputs, as long as there is room for them.
    fn feed(&mut self) {
        while let PayloadsState::Feeding(mapped) = &mut self.state
            && mapped.has_room(self.held.len())
        {
            if mapped.is_cancelled() {
                // The first input that was not taken stands for all of them.
                let (index, error) =
                    mapped.skip(|attempt| Error::new(attempt, ErrorKind::Cancelled));
                self.held.insert(index, Err(error));
                return self.drain();
            }
            match &mut self.inputs {
                PayloadInputs::Beside(feeder) => {
                    return feeder.ask(self.held.len(), |held| mapped.has_room(held));
                }
                PayloadInputs::Here(inputs) => match inputs.next() {
                    Some(input) => self.give(input),
                    None => return self.drain(),
                },
            }
        }
    }

    /// Handles a requested input.
    fn came(&mut self, input: io::Result<Payload>) {
        if let PayloadInputs::Beside(feeder) = &mut self.inputs {
            feeder.came(&input);
        }
        self.give(input);
    }

    fn give(&mut self, input: io::Result<Payload>) {
        let PayloadsState::Feeding(mapped) = &mut self.state else {
            return;
        };
        match input {
            Ok(input) => drop(mapped.give(input)),
            Err(error) => {
                let reason = error.to_string();
                let (index, error) =
                    mapped.skip(|attempt| Error::new(attempt, ErrorKind::Arguments { reason }));
                self.held.insert(index, Err(error));
            }
        }
    }

    /// Stops taking inputs.
    fn drain(&mut self) {
        if let PayloadsState::Feeding(mapped) =
            std::mem::replace(&mut self.state, PayloadsState::Over)
        {
            mapped.close();
            self.state = PayloadsState::Draining(mapped);
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

    pub(crate) fn undecodable(&self, index: u64, error: &io::Error) -> Error {
        let mut attempt = match &self.state {
            PayloadsState::Feeding(mapped) | PayloadsState::Draining(mapped) => {
                mapped.first_attempt()
            }
            PayloadsState::Refused(_) | PayloadsState::Over => Attempt::first("the function"),
        };
        attempt.input = Some(index);
        Error::value(attempt, error)
    }
}
