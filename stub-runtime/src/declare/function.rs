//! Annotated functions, collected at link time.

use std::io;

use super::options::Options;
use super::secret::{Secret, SecretError};
use super::volume::CloudBucketMount;
use crate::codec::{Emit, Given, InvokeError, ParseError, Payload};

/// Function annotated with `#[stub::function]`.
#[derive(Debug)]
pub struct Function {
    /// Name of the function: the option `name`, or the identifier.
    pub name: &'static str,
    /// Identifier of the function in the code.
    pub identifier: &'static str,
    /// `module_path!()` of its definition.
    pub module: &'static str,
    /// File and line of its definition, for messages.
    pub location: (&'static str, u32),
    /// Documentation of the function, as it was written.
    pub documentation: &'static str,
    /// Arguments, in order.
    pub parameters: &'static [Parameter],
    /// Parses arguments from a command line or a file.
    pub parse: fn(Vec<Given>) -> Result<Payload, ParseError>,
    /// Converts a value to JSON.
    pub show: fn(Payload) -> io::Result<serde_json::Value>,
    /// Evaluates the volumes' expressions, in the caller, at each call. The paths were checked at
    /// compile time: absolute, not `/`, no `..`, no two alike.
    pub volumes: fn() -> Vec<(&'static str, CloudBucketMount)>,
    /// Evaluates the `secrets` expressions: they become variables of the worker.
    pub secrets: fn() -> Result<Vec<Secret>, SecretError>,
    /// Evaluates the other options, in the caller, at each call.
    pub options: fn() -> Options,
    /// True if the function returns values one by one.
    pub iterates: bool,
    /// Decodes the arguments, runs the body in this process, and encodes its value. Emits each of
    /// several values.
    pub invoke: fn(Payload, Emit<'_>) -> Result<Payload, InvokeError>,
}

impl Function {
    /// Returns `module::name`, as used in messages.
    pub fn path(&self) -> String {
        format!("{}::{}", self.module, self.name)
    }

    /// Returns an id that is unique in the program: functions inside functions may have the same
    /// module and name.
    pub fn id(&self) -> String {
        let (file, line) = self.location;
        format!("{} at {file}:{line}", self.path())
    }
}

/// Argument, as a command line shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Name of the argument, or `argument_1` for a pattern.
    pub name: &'static str,
    /// Type of the argument, as it was written.
    pub ty: &'static str,
}

/// All annotated functions of this program.
#[linkme::distributed_slice]
pub static FUNCTIONS: [Function];
