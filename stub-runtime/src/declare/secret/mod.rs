//! Secrets: named values that are never shown.

mod dotenv;
mod error;
mod function;
mod profile;
mod program;
pub(crate) mod source;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::path::Path;

use s3fs_core::KeySource;

pub use error::SecretError;
pub(crate) use function::SecretFunction;

/// Named values, such as credentials, on their way to a volume or into a job's environment.
///
/// `Debug` and every error show the names and never the values.
///
/// - [`CloudBucketMount::secret`](crate::CloudBucketMount::secret) takes the keys of a bucket from
///   it; the function that uses the volume never sees them.
/// - `#[stub::function(secrets = [...])]` makes its names environment variables of the function.
///
/// Both take the `Result` of a constructor that can fail as it is; the error is then the call's.
///
/// ```
/// # use stub_runtime::Secret;
/// let secret = Secret::from_dict([("TOKEN", "hunter2"), ("USER", "ada")]);
/// assert_eq!(format!("{secret:?}"), r#"Secret(["TOKEN", "USER"])"#);
/// ```
#[derive(Clone, Default)]
pub struct Secret {
    entries: BTreeMap<String, String>,
    /// Source to read again when a bucket refuses the keys.
    source: Option<SecretSource>,
}

/// Source of a secret.
#[derive(Clone, Debug)]
enum SecretSource {
    /// File or program, which every process of this user can read.
    Place(KeySource),
    /// Function, which this process alone can call.
    Function(SecretFunction),
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Secret {}

impl From<BTreeMap<String, String>> for Secret {
    fn from(entries: BTreeMap<String, String>) -> Self {
        Self {
            entries,
            source: None,
        }
    }
}

impl Secret {
    /// Creates a secret of these names and values; of a name given twice, the last value counts.
    pub fn from_dict<K, V>(entries: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<String>,
        V: Into<String>,
    {
        let pairs = entries.into_iter();
        let pairs = pairs.map(|(name, value)| (name.into(), value.into()));
        Self::from(pairs.collect::<BTreeMap<_, _>>())
    }

    /// Takes the named variables of this process's environment.
    ///
    /// # Errors
    /// Names all the variables that are missing, or the first that is not Unicode.
    ///
    /// ```
    /// # use stub_runtime::Secret;
    /// let error = Secret::from_env(["PATH", "NO_SUCH_A", "NO_SUCH_B"]).unwrap_err();
    /// assert_eq!(error.to_string(), "not set in the environment: NO_SUCH_A, NO_SUCH_B");
    /// ```
    pub fn from_env<N: Into<String>>(
        names: impl IntoIterator<Item = N>,
    ) -> Result<Self, SecretError> {
        let mut entries = BTreeMap::new();
        let mut missing = Vec::new();
        for name in names.into_iter().map(Into::into) {
            // The user's variables, not this crate's settings, which `config` alone reads.
            match std::env::var_os(&name) {
                None => missing.push(name),
                Some(value) => match value.into_string() {
                    Ok(value) => drop(entries.insert(name, value)),
                    Err(_) => return Err(SecretError::NotUnicode { name }),
                },
            }
        }
        if missing.is_empty() {
            Ok(Self::from(entries))
        } else {
            Err(SecretError::NotSet { missing })
        }
    }

    /// Reads the file `.env` of the current folder or, where there is none, of the nearest folder
    /// above it, in the form of [`from_dotenv_path`](Self::from_dotenv_path).
    ///
    /// # Errors
    /// There is no such file, other users can change it, or it is not in that form.
    pub fn from_dotenv() -> Result<Self, SecretError> {
        dotenv::nearest().map(Self::from)
    }

    /// Reads a file of `NAME=value` lines. It is read again when a bucket refuses the keys in it.
    ///
    /// Values are taken as they are: `$`, `\` and `#` have no meaning in them, nor have quotes, but
    /// for one pair around the whole value. Blanks around names and values, empty lines, lines that
    /// begin with `#`, and an `export` before a name don't count.
    ///
    /// ```
    /// # use stub_runtime::Secret;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("keys.env");
    /// std::fs::write(&path, "PASSWORD=it's $5 # a \"day\"\nNAME='Ada Lovelace'\n")?;
    /// let expected = [("PASSWORD", "it's $5 # a \"day\""), ("NAME", "Ada Lovelace")];
    /// assert_eq!(Secret::from_dotenv_path(&path)?, Secret::from_dict(expected));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The file can't be read, or is not in that form.
    pub fn from_dotenv_path(path: impl AsRef<Path>) -> Result<Self, SecretError> {
        let path = path.as_ref();
        // The supervisor may read it again, from another folder.
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let entries = dotenv::read(path)?;
        Ok(Self {
            entries,
            source: Some(SecretSource::Place(KeySource::File(absolute))),
        })
    }

    /// Reads the keys of a profile of the AWS configuration files (`~/.aws/config`), static or
    /// brought by a login, a program or a role: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and,
    /// if there are any, `AWS_SESSION_TOKEN` and `AWS_REGION`. For a program that needs them
    /// itself; a volume has a [`profile`](crate::CloudBucketMount::profile) of its own, whose keys
    /// are renewed while it is mounted.
    ///
    /// # Errors
    /// There is no such profile, or its keys can't be obtained; the error has the remedy.
    pub fn from_profile(profile: &str) -> Result<Self, SecretError> {
        profile::get(profile).map(Self::from_dict)
    }

    /// Calls a function that returns names and values. It is called again when a bucket refuses the
    /// keys, and before they expire: for keys from a vault, a broker or an API, for as long as the
    /// bucket is mounted.
    ///
    /// ```
    /// use std::io;
    /// use stub_runtime::{CloudBucketMount, Secret};
    ///
    /// # mod vault {
    /// #     pub struct Lease { pub id: String, pub key: String, pub until: String }
    /// #     pub fn lease(_: &str) -> std::io::Result<Lease> {
    /// #         let until = "2030-01-31T12:00:00Z".to_owned();
    /// #         Ok(Lease { id: "id".to_owned(), key: "key".to_owned(), until })
    /// #     }
    /// # }
    /// fn reports() -> CloudBucketMount {
    ///     CloudBucketMount::new("reports").secret(Secret::from_fn(|| {
    ///         let lease = vault::lease("s3/reader")?;
    ///         Ok::<_, io::Error>([
    ///             ("AWS_ACCESS_KEY_ID", lease.id),
    ///             ("AWS_SECRET_ACCESS_KEY", lease.key),
    ///             ("AWS_CREDENTIAL_EXPIRATION", lease.until), // optional
    ///         ])
    ///     }))
    /// }
    /// # reports().into_config()?;
    /// # Ok::<(), stub_runtime::VolumeError>(())
    /// ```
    ///
    /// - The first call is made here, by this thread. Later calls are made while a call of a
    ///   function with such a volume runs, by threads of this process, one at a time for each
    ///   mounted volume. Programs wait for one only if the bucket has refused the keys, or they have
    ///   expired.
    /// - With `AWS_CREDENTIAL_EXPIRATION`, in the form of RFC 3339, it is called five minutes before
    ///   that, or after half of the time that is left, if that is later. A time until 1970 means that
    ///   the keys don't expire.
    /// - After 15 s without a result, a later call counts as failed. Its thread goes on, as nothing can stop
    ///   it, and the next call begins when it has ended.
    /// - An error's text is shown, and must hold no secret. A panic is an error, too. After a failure,
    ///   keys that the bucket has not refused stay in use.
    /// - In `secrets`, where variables of a job are set once, and for tasks on a cluster, which don't
    ///   reach this process, only the first call is made.
    ///
    /// # Errors
    /// The function failed or panicked.
    #[track_caller]
    pub fn from_fn<I, K, V, E>(
        function: impl Fn() -> Result<I, E> + Send + Sync + 'static,
    ) -> Result<Self, SecretError>
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<String>,
        V: Into<String>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::of_function(SecretFunction::new(function, Location::caller()))
    }

    /// Returns the names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Returns the file, program or function that the secret came from.
    pub(crate) fn source(&self) -> Option<KeySource> {
        match self.source.as_ref()? {
            SecretSource::Place(place) => Some(place.clone()),
            SecretSource::Function(function) => Some(function.source()),
        }
    }

    /// Returns the function that the secret came from.
    pub(crate) fn function(&self) -> Option<&SecretFunction> {
        match self.source.as_ref()? {
            SecretSource::Place(_) => None,
            SecretSource::Function(function) => Some(function),
        }
    }

    /// Calls the function of a secret.
    pub(crate) fn of_function(function: SecretFunction) -> Result<Self, SecretError> {
        Ok(Self {
            entries: function.call()?,
            source: Some(SecretSource::Function(function)),
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.entries.get(name).map(String::as_str)
    }
}

/// Returns the variables of all the secrets together, for [`CallSpec::environment`]. If several
/// have the same name, the last value counts.
///
/// # Errors
/// A name or value that no environment can hold.
///
/// [`CallSpec::environment`]: crate::call::CallSpec::environment
pub fn environment(
    secrets: impl IntoIterator<Item = Secret>,
) -> Result<BTreeMap<String, String>, SecretError> {
    let variables: BTreeMap<_, _> = secrets
        .into_iter()
        .flat_map(|secret| secret.entries)
        .collect();
    for (name, value) in &variables {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(SecretError::NotAName { name: name.clone() });
        }
        if value.contains('\0') {
            return Err(SecretError::NulInValue { name: name.clone() });
        }
    }
    Ok(variables)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secret")
            .field(&self.names().collect::<Vec<_>>())
            .finish()
    }
}

/// A [`Secret`], or the `Result` of a constructor that can fail.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a secret",
    label = "expected a `Secret` or a `Result<Secret, SecretError>`"
)]
pub trait IntoSecret {
    /// Converts to a secret.
    ///
    /// # Errors
    /// The error of the constructor.
    fn into_secret(self) -> Result<Secret, SecretError>;
}

impl IntoSecret for Secret {
    fn into_secret(self) -> Result<Secret, SecretError> {
        Ok(self)
    }
}

impl IntoSecret for Result<Secret, SecretError> {
    fn into_secret(self) -> Result<Secret, SecretError> {
        self
    }
}

#[cfg(test)]
mod tests;
