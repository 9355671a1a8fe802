//! Codecs of arguments and values.
//!
//! A codec is the proof that a type can be serialised. The expansion makes one per argument, at the
//! argument's type, and everything else takes codecs instead of having bounds. So an unsuitable
//! type is reported once, and there.

use std::fmt;
use std::io;
use std::pin::pin;

use futures_util::{Stream, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::invoke::{Emit, Given, InvokeError, ParseError};
use super::payload::{Decoder, Encoder, Payload};
use super::wire::Wire;
use super::words;

/// Type of an argument.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an argument of a stub function",
    label = "can't cross between processes",
    note = "an argument must implement serde's `Serialize` and `Deserialize` and borrow nothing: \
            derive them, or take a path, a name or bytes instead"
)]
pub trait Argument: Serialize + DeserializeOwned + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Argument for T {}

/// Type of the value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the value of a stub function",
    label = "can't cross between processes",
    note = "the value must implement serde's `Serialize` and `Deserialize` and borrow nothing: \
            derive them, or return a path, a name or bytes instead"
)]
pub trait Value: Serialize + DeserializeOwned + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Value for T {}

/// Codec of a type.
pub struct Codec<T> {
    encode: fn(&mut Encoder, T) -> io::Result<()>,
    decode: fn(&mut Decoder) -> io::Result<T>,
    parse: fn(Given) -> Result<T, String>,
    show: fn(&T) -> serde_json::Result<serde_json::Value>,
}

// Not derived: that would ask the same of `T`.
impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Codec<T> {}

impl<T> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}

impl<T> Codec<T> {
    /// Decodes the first value of a payload.
    pub(crate) fn decode_one(&self, payload: Payload) -> io::Result<T> {
        (self.decode)(&mut payload.decoder()?)
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> {
    fn new() -> Self {
        Self {
            encode: |encoder, value| encoder.add(&Wire(value)),
            decode: |decoder| decoder.next().map(|Wire(value)| value),
            parse: words::parse,
            show: |value| serde_json::to_value(value),
        }
    }
}

/// Returns the codec of an argument.
pub fn argument<T: Argument>() -> Codec<T> {
    Codec::new()
}

/// Returns the codec of the value.
pub fn value<T: Value>() -> Codec<T> {
    Codec::new()
}

/// Codecs of all arguments: a tuple of [`Codec`]s for a tuple of values.
pub trait Codecs {
    /// Tuple of values.
    type Values;

    /// Encodes all values, and drops each of them then.
    ///
    /// # Errors
    /// The first value that can't be serialised.
    fn encode(self, encoder: &mut Encoder, values: Self::Values) -> io::Result<()>;

    /// Decodes all values.
    ///
    /// # Errors
    /// The first value that is not of its type.
    fn decode(self, decoder: &mut Decoder) -> io::Result<Self::Values>;

    /// Parses the given words or JSON for each argument.
    ///
    /// # Errors
    /// The first argument that can't be parsed.
    fn parse(self, given: Vec<Given>) -> Result<Self::Values, ParseError>;
}

macro_rules! tuples {
    ($(($($name:ident $index:tt)*))+) => {$(
        impl<$($name),*> Codecs for ($(Codec<$name>,)*) {
            type Values = ($($name,)*);

            #[allow(unused_variables, reason = "there may be no values")]
            fn encode(self, encoder: &mut Encoder, values: Self::Values) -> io::Result<()> {
                $((self.$index.encode)(encoder, values.$index)?;)*
                Ok(())
            }

            #[allow(unused_variables, clippy::unused_unit, reason = "there may be no values")]
            fn decode(self, decoder: &mut Decoder) -> io::Result<Self::Values> {
                Ok(($((self.$index.decode)(decoder)?,)*))
            }

            #[allow(unused_variables, unused_mut, clippy::unused_unit, reason = "there may be no values")]
            fn parse(self, given: Vec<Given>) -> Result<Self::Values, ParseError> {
                let mut given = given.into_iter();
                Ok(($(parse_one($index, self.$index.parse, given.next())?,)*))
            }
        }
    )+};
}

tuples! {
    ()
    (A 0)
    (A 0 B 1)
    (A 0 B 1 C 2)
    (A 0 B 1 C 2 D 3)
    (A 0 B 1 C 2 D 3 E 4)
    (A 0 B 1 C 2 D 3 E 4 F 5)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14)
    (A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15)
}

/// Decodes the arguments, in the worker.
///
/// # Errors
/// The payload has other values.
pub fn decode<C: Codecs>(payload: Payload, codecs: C) -> Result<C::Values, InvokeError> {
    let decoded = payload
        .decoder()
        .and_then(|mut decoder| codecs.decode(&mut decoder));
    decoded.map_err(|error| InvokeError::Codec(format!("arguments: {error}")))
}

/// Encodes the value, in the worker.
///
/// # Errors
/// The value can't be serialised.
pub fn encode<V>(value: V, codec: Codec<V>) -> Result<Payload, InvokeError> {
    encode_all((codec,), (value,)).map_err(|error| InvokeError::Codec(format!("value: {error}")))
}

fn parse_one<T>(
    argument: usize,
    parse: fn(Given) -> Result<T, String>,
    given: Option<Given>,
) -> Result<T, ParseError> {
    let given = given.unwrap_or(Given::Words(Vec::new()));
    parse(given).map_err(|reason| ParseError { argument, reason })
}

/// Emits each value of a function that returns an iterator, in the worker. Returns an empty value.
///
/// # Errors
/// A value can't be serialised.
pub fn emit_all<V>(
    values: impl Iterator<Item = V>,
    codec: Codec<V>,
    emit: Emit<'_>,
) -> Result<Payload, InvokeError> {
    for value in values {
        if !emit(encode(value, codec)?) {
            break;
        }
    }
    nothing()
}

/// Emits each value of a function that returns a stream.
///
/// # Errors
/// A value can't be serialised.
pub async fn emit_stream<V>(
    values: impl Stream<Item = V>,
    codec: Codec<V>,
    emit: Emit<'_>,
) -> Result<Payload, InvokeError> {
    let mut values = pin!(values);
    while let Some(value) = values.next().await {
        if !emit(encode(value, codec)?) {
            break;
        }
    }
    nothing()
}

fn nothing() -> Result<Payload, InvokeError> {
    Payload::encode(&()).map_err(|error| InvokeError::Codec(error.to_string()))
}

/// Parses the arguments of a command line.
///
/// # Errors
/// The first argument that can't be parsed.
pub fn parse<C: Codecs + Copy>(codecs: C, given: Vec<Given>) -> Result<Payload, ParseError> {
    let values = codecs.parse(given)?;
    encode_all(codecs, values).map_err(|error| ParseError {
        argument: 0,
        reason: error.to_string(),
    })
}

/// Converts a value to JSON, for a command line.
///
/// # Errors
/// The value has another type, or can't be converted to JSON.
pub fn show<V>(payload: Payload, codec: Codec<V>) -> io::Result<serde_json::Value> {
    let value = codec.decode_one(payload)?;
    (codec.show)(&value).map_err(io::Error::other)
}

pub(crate) fn encode_all<C: Codecs>(codecs: C, values: C::Values) -> io::Result<Payload> {
    let mut encoder = Encoder::new();
    codecs.encode(&mut encoder, values)?;
    encoder.finish()
}
