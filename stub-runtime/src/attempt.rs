//! Which try of which call something is about.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One try of a call. Shown as `` `module::name` ``, with what tells it from others of the function.
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
    /// The function (`module::name`), or the program of a command.
    pub function: Arc<str>,
    /// The index of the input, from 0, if the function is mapped over several.
    pub input: Option<u64>,
    /// The number of the try, from 1.
    pub number: u32,
}

impl Attempt {
    /// The first try of a call.
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
