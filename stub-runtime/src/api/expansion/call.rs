//! Calls with typed arguments and a typed value, on an engine that knows only payloads.

use crate::api::stream::Stream;
use crate::api::values::Values;
use crate::call::{Attempt, Error, ErrorKind, Result};
use crate::codec::{Codec, Codecs, Payload, encode_all};
use crate::declare::Function;
use crate::engines::{Emitted, run, run_async};

/// Calls a function and waits.
///
/// # Errors
/// The errors of the call, and the function's own error.
pub fn call<C: Codecs, V>(
    function: &'static Function,
    codecs: C,
    arguments: C::Values,
    value: Codec<V>,
) -> Result<V> {
    let input = encode(function, codecs, arguments)?;
    decode(function, &value, run(function, &input)?)
}

/// Calls an async function.
///
/// # Errors
/// The errors of the call, and the function's own error.
pub fn call_async<C: Codecs, V>(
    function: &'static Function,
    codecs: C,
    arguments: C::Values,
    value: Codec<V>,
) -> impl Future<Output = Result<V>> {
    // Outside the future, which then need not hold the arguments while it waits.
    let input = encode(function, codecs, arguments);
    async move { decode(function, &value, run_async(function, input?).await?) }
}

/// Calls a function whose values come one by one.
pub fn call_iterator<C: Codecs, V>(
    function: &'static Function,
    codecs: C,
    arguments: C::Values,
    value: Codec<V>,
) -> Values<V> {
    let input = encode(function, codecs, arguments);
    Values::new(input.and_then(|input| Emitted::new(function, input)), value)
}

/// Calls a function whose values come one by one, from async code.
pub fn call_stream<C: Codecs, V: 'static>(
    function: &'static Function,
    codecs: C,
    arguments: C::Values,
    value: Codec<V>,
) -> Stream<V> {
    let input = encode(function, codecs, arguments);
    let emitted = input.and_then(|input| Emitted::new(function, input));
    Stream::emitted(function, emitted, value)
}

fn encode<C: Codecs>(function: &Function, codecs: C, arguments: C::Values) -> Result<Payload> {
    encode_all(codecs, arguments).map_err(|error| {
        Error::new(
            Attempt::first(function.path()),
            ErrorKind::Arguments {
                reason: error.to_string(),
            },
        )
    })
}

fn decode<V>(function: &Function, value: &Codec<V>, output: Payload) -> Result<V> {
    let decoded = value.decode_one(output);
    decoded.map_err(|error| Error::value(Attempt::first(function.path()), &error))
}
