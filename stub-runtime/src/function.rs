//! Annotated functions, collected at link time.

use std::io;

use crate::options::Options;
use crate::payload::Payload;
use crate::secret::{Secret, SecretError};
use crate::volume::CloudBucketMount;

/// One function annotated with `#[stub::function]`.
#[derive(Debug)]
pub struct Function {
    /// Its name: what `name` says, or the identifier.
    pub name: &'static str,
    /// As it is called in the code.
    pub identifier: &'static str,
    /// `module_path!()` of its definition.
    pub module: &'static str,
    /// Where it is written, for messages.
    pub location: (&'static str, u32),
    /// Its documentation, as it was written.
    pub documentation: &'static str,
    /// Its arguments, in order.
    pub parameters: &'static [Parameter],
    /// Makes arguments of what a command line or a file gives.
    pub parse: fn(Vec<Given>) -> Result<Payload, ParseError>,
    /// A value as JSON.
    pub show: fn(Payload) -> io::Result<serde_json::Value>,
    /// Evaluates the volumes' expressions, in the caller, at each call. The paths were checked at
    /// compile time (absolute, not `/`, no `..`, no two alike).
    pub volumes: fn() -> Vec<(&'static str, CloudBucketMount)>,
    /// Evaluates the `secrets` expressions: they become variables of the worker.
    pub secrets: fn() -> Result<Vec<Secret>, SecretError>,
    /// Evaluates the other options, in the caller, at each call.
    pub options: fn() -> Options,
    /// Whether it gives values one by one.
    pub iterates: bool,
    /// Decodes the arguments, runs the body in this process, encodes its value; each of several is emitted.
    pub invoke: fn(Payload, Emit<'_>) -> Result<Payload, InvokeError>,
}

impl Function {
    /// `module::name`, as messages call it.
    pub fn path(&self) -> String {
        format!("{}::{}", self.module, self.name)
    }

    /// What no other function of the program shares: functions inside functions may have one
    /// module and one name.
    pub fn id(&self) -> String {
        let (file, line) = self.location;
        format!("{} at {file}:{line}", self.path())
    }
}

/// Takes one of several values. Says whether another one is wanted.
pub type Emit<'a> = &'a mut dyn FnMut(Payload) -> bool;

/// An argument, as a command line shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, or `argument_1` for a pattern.
    pub name: &'static str,
    /// Its type, as it was written.
    pub ty: &'static str,
}

/// What a command line or a file gives for an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// The words behind its option, which may be given several times or not at all.
    Words(Vec<String>),
    /// A value.
    Json(serde_json::Value),
}

/// What was given can't be an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The argument's place.
    pub argument: usize,
    /// What is wrong, as a sentence fragment.
    pub reason: String,
}

/// How an invocation can end without a value, short of the death of its process.
#[derive(Debug)]
pub enum InvokeError {
    /// The function returned its own error: the message and its sources, outermost first.
    Failed(Vec<String>),
    /// The arguments can't be decoded or the value can't be encoded.
    Codec(String),
}

/// All annotated functions of this program.
#[linkme::distributed_slice]
pub static FUNCTIONS: [Function];
