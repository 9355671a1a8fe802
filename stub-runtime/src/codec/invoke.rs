//! Calling a function in this process: what it is given, what it emits, and how that can fail.

use super::payload::Payload;

/// Takes one of several values. Returns whether another one is wanted.
pub type Emit<'a> = &'a mut dyn FnMut(Payload) -> bool;

/// Input for an argument, from a command line or a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// Words behind its option, which may be given several times or not at all.
    Words(Vec<String>),
    /// A value.
    Json(serde_json::Value),
}

/// Error about an input that can't be an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Index of the argument.
    pub argument: usize,
    /// Cause, as a sentence fragment.
    pub reason: String,
}

/// Reason for which an invocation has no value, except the death of its process.
#[derive(Debug)]
pub enum InvokeError {
    /// The function returned its own error: the message and its sources, outermost first.
    Failed(Vec<String>),
    /// The arguments can't be decoded or the value can't be encoded.
    Codec(String),
}
