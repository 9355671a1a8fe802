//! Conversion of the function's own error to text, for the caller.
//!
//! A function may fail with any of these: std errors, `anyhow`, `eyre`, boxed errors, text. The
//! impls for them overlap. So the expansion, which knows the concrete type, picks the best by the
//! number of references that method resolution strips: `(&&&Kind::of(&e)).kind()`.
#![allow(clippy::unused_self, reason = "the receiver is the choice")]

use std::error::Error;
use std::fmt::Display;
use std::iter;
use std::marker::PhantomData;

use super::invoke::InvokeError;

/// Return type that is called `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is called `Result` but isn't std's",
    label = "not a `std::result::Result`",
    note = "a stub function's return type with the last name `Result` must be `std::result::Result` \
            or an alias of it"
)]
pub trait Fallible {
    /// Type of `Ok`.
    type Value;
    /// Type of `Err`.
    type Error;

    /// Converts to the standard result.
    ///
    /// # Errors
    /// Its own error.
    fn into_result(self) -> Result<Self::Value, Self::Error>;
}

impl<T, E> Fallible for Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

/// Marker for an error's type.
#[derive(Debug)]
pub struct Kind<E>(PhantomData<E>);

impl<E> Kind<E> {
    /// Returns the marker for the type of this error.
    pub fn of(_: &E) -> Self {
        Self(PhantomData)
    }
}

/// Errors that become a `Box<dyn Error>`, with their sources.
#[derive(Debug)]
pub struct Boxed;

/// Errors that become a `Box<dyn Error + Send + Sync>` only: that box itself.
#[derive(Debug)]
pub struct SyncBoxed;

/// Errors that only implement `Display`.
#[derive(Debug)]
pub struct Text;

/// First choice: a boxed error.
pub trait ByBox {
    /// Returns the conversion for this kind of error.
    fn kind(&self) -> Boxed {
        Boxed
    }
}

impl<E: Into<Box<dyn Error>>> ByBox for &&Kind<E> {}

/// Second choice: a boxed error that is `Send` and `Sync`.
pub trait BySyncBox {
    /// Returns the conversion for this kind of error.
    fn kind(&self) -> SyncBoxed {
        SyncBoxed
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> BySyncBox for &Kind<E> {}

/// Last choice. It fits every type, so that `Failure` reports a type that fits nothing else.
pub trait ByText {
    /// Returns the conversion for this kind of error.
    fn kind(&self) -> Text {
        Text
    }
}

impl<E> ByText for Kind<E> {}

/// Error type of a function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the error of a stub function",
    label = "can't be shown to the caller",
    note = "the error must implement `std::error::Error` or `Display`"
)]
pub trait Failure: Display {}

#[diagnostic::do_not_recommend]
impl<E: Display> Failure for E {}

impl Boxed {
    /// Returns the messages of the error and its sources.
    pub fn failed<E: Into<Box<dyn Error>>>(self, error: E) -> InvokeError {
        failed(&*error.into())
    }
}

impl SyncBoxed {
    /// Returns the messages of the error and its sources.
    pub fn failed<E: Into<Box<dyn Error + Send + Sync>>>(self, error: E) -> InvokeError {
        failed(&*error.into())
    }
}

impl Text {
    /// Returns the error's message.
    pub fn failed<E: Failure>(self, error: E) -> InvokeError {
        InvokeError::Failed(vec![error.to_string()])
    }
}

fn failed(error: &(dyn Error + 'static)) -> InvokeError {
    let chain = iter::successors(Some(error), |&error| error.source());
    InvokeError::Failed(chain.map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error;
    use std::rc::Rc;
    use std::{fmt, io};

    use super::{ByBox as _, BySyncBox as _, ByText as _, Kind};
    use crate::codec::invoke::InvokeError;

    macro_rules! chain {
        ($error:expr) => {{
            let error = $error;
            match (&&&Kind::of(&error)).kind().failed(error) {
                InvokeError::Failed(chain) => chain,
                InvokeError::Codec(_) => unreachable!(),
            }
        }};
    }

    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    fn outer() -> Outer {
        Outer(io::Error::other("inner"))
    }

    #[test]
    fn the_sources_of_an_error_are_kept() {
        let expected = ["outer", "inner"];
        assert_eq!(chain!(outer()), expected);
        assert_eq!(chain!(Box::<dyn Error>::from(outer())), expected);
        assert_eq!(
            chain!(Box::<dyn Error + Send + Sync>::from(outer())),
            expected
        );
        assert_eq!(chain!(anyhow::Error::new(outer())), expected);
        let context = anyhow::Error::new(outer()).context("most");
        assert_eq!(chain!(context), ["most", "outer", "inner"]);
    }

    #[test]
    fn text_and_whatever_can_be_shown_is_an_error_too() {
        assert_eq!(chain!("a"), ["a"]);
        assert_eq!(chain!("a".to_owned()), ["a"]);
        assert_eq!(chain!(Cow::from("a")), ["a"]);
        assert_eq!(chain!(7), ["7"]);
        assert_eq!(chain!(Rc::new(outer())), ["outer"]);
        assert_eq!(chain!(fmt::Error), [fmt::Error.to_string()]);
    }
}
