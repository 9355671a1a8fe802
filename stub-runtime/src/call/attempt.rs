//! Attempt of a call that an error or an event is about.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Attempt of a call. Shown as `` `module::name` ``, with the input and the number of the attempt
/// if there are several.
///
/// ```
/// # use stub_runtime::Attempt;
/// let mut attempt = Attempt::first("demo::f");
/// assert_eq!(attempt.to_string(), "`demo::f`");
/// attempt.input = Some(17);
/// attempt.number = 3;
/// assert_eq!(attempt.to_string(), "`demo::f` (input 17, attempt 3)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// Function (`module::name`), or program of a command.
    pub function: Arc<str>,
    /// Index of the input, from 0, if the function is mapped over several.
    pub input: Option<u64>,
    /// Number of the attempt, from 1.
    pub number: u32,
}

impl Attempt {
    /// Returns the first attempt of a call.
    pub fn first(function: impl Into<Arc<str>>) -> Self {
        Self {
            function: function.into(),
            input: None,
            number: 1,
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.function)?;
        match (self.input, self.number) {
            (None, ..=1) => Ok(()),
            (Some(input), ..=1) => write!(f, " (input {input})"),
            (None, number) => write!(f, " (attempt {number})"),
            (Some(input), number) => write!(f, " (input {input}, attempt {number})"),
        }
    }
}
