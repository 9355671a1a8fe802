//! Lookup of secrets by name.

use super::{Settings, SettingsError};
use crate::declare::secret::{Secret, SecretError};

impl Secret {
    /// Returns the secret of that name in `stub.toml`: the nearest one of the working folder or
    /// above it, or the user's own in `~/.config/stub`.
    ///
    /// # Errors
    /// No secret has this name, or it can't be obtained.
    pub fn from_name(name: &str) -> Result<Self, SecretError> {
        Settings::load()?.secret(name)
    }

    /// Returns the secret like [`from_name`](Self::from_name), if it has all these names. (Modal:
    /// `required_keys`.)
    ///
    /// # Errors
    /// The error has all names that the secret lacks.
    pub fn from_name_with<'a>(
        name: &str,
        required_keys: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, SecretError> {
        let secret = Self::from_name(name)?;
        let missing: Vec<_> = required_keys
            .into_iter()
            .filter(|key| secret.get(key).is_none())
            .map(str::to_owned)
            .collect();
        if missing.is_empty() {
            return Ok(secret);
        }
        let name = name.to_owned();
        Err(SecretError::Lacks { name, missing })
    }
}

impl From<SettingsError> for SecretError {
    fn from(error: SettingsError) -> Self {
        Self::Settings(Box::new(error))
    }
}
