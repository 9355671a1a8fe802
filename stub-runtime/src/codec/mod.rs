//! Arguments and values as bytes: in messages, in sealed anonymous memory, as words of a command
//! line, as JSON.

mod failure;
mod invoke;
mod json;
mod payload;
mod typed;
mod wire;
mod words;

pub use failure::{ByBox, BySyncBox, ByText, Fallible, Kind};
pub use invoke::{Emit, Given, InvokeError, ParseError};
pub(crate) use json::Json;
pub(crate) use payload::Packed;
pub use payload::Payload;
pub(crate) use typed::encode_all;
pub use typed::{
    Argument, Codec, Codecs, Value, argument, decode, emit_all, emit_stream, encode, parse, show,
    value,
};
