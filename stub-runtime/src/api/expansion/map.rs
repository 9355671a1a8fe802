//! A function mapped over inputs, and calls that go on beside their caller.

use std::sync::Arc;
use std::sync::mpsc::channel;

use crate::api::call::Call;
use crate::api::map::Map;
use crate::api::payloads::Payloads;
use crate::api::stream::Stream;
use crate::call::{Attempt, Error, ErrorKind, Result};
use crate::codec::{Codec, Codecs, Payload, encode_all};
use crate::declare::Function;
use crate::engines::{Background, Mapped};
use crate::observe::logs::OutputLog;
use crate::observe::output::Sink;

/// `f::map` and `f::starmap`: the inputs are tuples of arguments.
pub fn map<'a, C, V>(
    function: &'static Function,
    codecs: C,
    inputs: impl Iterator<Item = C::Values> + 'a,
    value: Codec<V>,
) -> Map<'a, V>
where
    C: Codecs + Copy + 'a,
{
    let inputs = inputs.map(move |arguments| encode_all(codecs, arguments));
    Map::new(Mapped::new(function), inputs, value)
}

/// Maps an async function over inputs.
pub fn map_async<C, V>(
    function: &'static Function,
    codecs: C,
    inputs: impl Iterator<Item = C::Values> + Send + 'static,
    value: Codec<V>,
) -> Stream<V>
where
    C: Codecs + Copy + Send + 'static,
    V: 'static,
{
    Stream::mapped(
        function,
        inputs.map(move |arguments| encode_all(codecs, arguments)),
        value,
    )
}

/// `f::for_each`.
///
/// # Errors
/// The first one.
pub fn for_each<V>(mut map: Map<'_, V>) -> Result<()> {
    map.try_for_each(|value| value.map(drop))
}

/// `f::for_each` of an async function.
///
/// # Errors
/// The first one.
pub async fn for_each_async<V>(mut stream: Stream<V>) -> Result<()> {
    while let Some(value) = stream.next().await {
        value?;
    }
    Ok(())
}

/// `f::spawn`.
///
/// # Errors
/// The call can't begin.
pub fn spawn<C: Codecs, V: 'static>(
    function: &'static Function,
    codecs: C,
    arguments: C::Values,
    value: Codec<V>,
) -> Result<Call<V>> {
    let attempt = Attempt::first(function.path());
    let input = encode_all(codecs, arguments).map_err(|error| {
        Error::new(
            attempt.clone(),
            ErrorKind::Arguments {
                reason: error.to_string(),
            },
        )
    })?;
    let logs = Arc::new(OutputLog::default());
    let sink = Arc::clone(&logs) as Arc<dyn Sink>;
    let background = Arc::new(Background::new(function, Some(sink))?);
    let canceller = Arc::clone(&background);
    let id = background.id().to_owned();
    let (begun, has_begun) = channel::<()>();
    let call = Call::spawn(
        attempt,
        &id,
        logs,
        move || {
            let value = background.run(&input, || drop(begun));
            value.map(|payload| vec![payload])
        },
        move |grace| canceller.cancel(grace),
        move |payloads| value.decode_one(only(payloads)?),
    )?;
    // Waits until the call has started, so that its caller can cancel and reattach to it. The
    // channel carries no message: it closes when the sender is dropped.
    let _ = has_begun.recv();
    Ok(call)
}

fn only(payloads: Vec<Payload>) -> std::io::Result<Payload> {
    let one = payloads.into_iter().next();
    one.ok_or_else(|| std::io::Error::other("it is missing"))
}

/// `f::spawn_map`.
///
/// # Errors
/// The call can't begin.
pub fn spawn_map<C, V>(
    function: &'static Function,
    codecs: C,
    inputs: impl Iterator<Item = C::Values> + Send + 'static,
    value: Codec<V>,
) -> Result<Call<Vec<V>>>
where
    C: Codecs + Copy + Send + 'static,
    V: 'static,
{
    let mapped = Mapped::new(function)?;
    let ender = mapped.ender();
    let inputs = inputs.map(move |arguments| encode_all(codecs, arguments));
    let id = mapped.id().to_owned();
    Call::spawn(
        Attempt::first(function.path()),
        &id,
        Arc::default(),
        move || {
            let mut payloads = Payloads::beside(Ok(mapped), inputs, true);
            let mut values = Ok(Vec::new());
            while let Some((_, value)) = payloads.next() {
                // After the first error nothing more is wanted, but a map that was cancelled stores
                // what all of its inputs have written.
                let is_over = value.is_err() && !payloads.is_cancelled();
                values = values.and_then(|mut values: Vec<Payload>| {
                    values.push(value?.without_descriptor());
                    Ok(values)
                });
                if is_over {
                    break;
                }
            }
            values
        },
        move |grace| ender.cancel(grace),
        move |payloads| {
            payloads
                .into_iter()
                .map(|one| value.decode_one(one))
                .collect()
        },
    )
}
