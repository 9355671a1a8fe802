//! Functions that return secrets.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use s3fs_core::{KeySource, chain};

use super::error::SecretError;

type Entries = BTreeMap<String, String>;

/// Function that returns the entries of a secret each time that it is called.
#[derive(Clone)]
pub(crate) struct SecretFunction {
    function: Arc<dyn Fn() -> Result<Entries, String> + Send + Sync>,
    /// Place in the code at which the secret was declared, for messages.
    place: &'static Location<'static>,
}

impl fmt::Debug for SecretFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretFunction").field(&self.place).finish()
    }
}

impl SecretFunction {
    pub(super) fn new<I, K, V, E>(
        function: impl Fn() -> Result<I, E> + Send + Sync + 'static,
        place: &'static Location<'static>,
    ) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<String>,
        V: Into<String>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let function = move || {
            let pairs = function().map_err(|error| chain(&*error.into()))?;
            let pairs = pairs.into_iter();
            Ok(pairs
                .map(|(name, value)| (name.into(), value.into()))
                .collect())
        };
        Self {
            function: Arc::new(function),
            place,
        }
    }

    /// Calls the function.
    pub(super) fn call(&self) -> Result<Entries, SecretError> {
        // What a panic leaves half done is the function's own.
        let called = catch_unwind(AssertUnwindSafe(|| (self.function)()));
        // The message of the panic is printed by its hook.
        let entries = called.unwrap_or_else(|_| Err("it panicked".to_owned()));
        entries.map_err(|reason| SecretError::Function {
            place: self.place.to_string(),
            reason,
        })
    }

    /// Returns the source that stands for the function in other processes.
    pub(super) fn source(&self) -> KeySource {
        KeySource::Function {
            place: self.place.to_string(),
        }
    }
}
