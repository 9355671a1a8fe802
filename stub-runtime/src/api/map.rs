//! The values of a function that is mapped over inputs.

use std::fmt;
use std::io;
use std::iter::FusedIterator;

use super::payloads::Payloads;
use crate::call::Result;
use crate::codec::{Codec, Payload};
use crate::engines::Mapped;

/// Values of a function that is being mapped over inputs, in the order of the inputs.
///
/// Made by `f::map` and `f::starmap`. Inputs are taken from their iterator when there is room for
/// them, so there may be any number. While the iterator waits for an input, values that are ready
/// wait, too. That is not so with a [`Stream`](crate::Stream) or `f::spawn_map`, whose iterators
/// have a thread of their own. The work begins with the first call of `next`. Each item is the
/// value of one input or its [`Error`](crate::Error), whose [attempt](crate::Error::attempt) has the
/// index of the input.
/// To stop at the first error, collect into a `Result`.
///
/// `Ok` means that everything written until the body returned is stored. A body may leave threads
/// or programs behind that write later. If their data can't be stored, one more error follows after
/// the last value.
///
/// Dropping it kills the inputs that are running.
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

    /// Returns the values in the order in which they are ready, not in that of the inputs.
    pub fn unordered(mut self) -> Self {
        self.payloads.unordered();
        self
    }

    /// Returns each value with the index of its input, from 0.
    pub fn indexed(mut self) -> impl Iterator<Item = (u64, Result<V>)> + use<'a, V> {
        std::iter::from_fn(move || self.next_indexed())
    }

    /// Returns the next value, with the index of its input.
    pub fn next_indexed(&mut self) -> Option<(u64, Result<V>)> {
        let (index, payload) = self.payloads.next()?;
        let value = payload.and_then(|payload| {
            let decoded = self.value.decode_one(payload);
            decoded.map_err(|error| self.payloads.undecodable(index, &error))
        });
        Some((index, value))
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
            .field("next", &self.payloads.next_index())
            .finish_non_exhaustive()
    }
}
