//! Expansion under the strictest lints: users can't allow a lint inside it.
#![forbid(unsafe_code)]
#![deny(missing_docs, warnings, unused, unreachable_pub, unused_qualifications)]
#![deny(
    nonstandard_style,
    rust_2018_idioms,
    single_use_lifetimes,
    let_underscore_drop
)]
#![deny(clippy::all, clippy::pedantic)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Struct used as an argument and as a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    names: Vec<String>,
    size: Option<u64>,
}

/// Module of functions that others call.
pub mod library {
    use super::Job;

    /// Bears its own documentation.
    ///
    /// # Errors
    /// Errors of the call.
    #[stub::function]
    pub fn same(job: Job) -> Job {
        job
    }

    #[stub::function()]
    pub(crate) fn nothing() {}

    #[stub::function]
    pub(in crate::library) fn restricted(x: u8) -> u8 {
        x
    }

    /// Calls a function that only this module sees.
    ///
    /// # Errors
    /// Errors of the call.
    pub fn through(x: u8) -> stub::Result<u8> {
        restricted(x)
    }
}

fn job() -> Job {
    Job {
        names: vec!["a".into()],
        size: Some(1 << 60),
    }
}

#[test]
fn values_cross() -> stub::Result<()> {
    assert_eq!(library::same(job())?, job());
    assert_eq!(library::same::remote(job())?, job());
    assert_eq!(library::same::local(job()), job());
    library::nothing()?;
    assert_eq!(library::through(7)?, 7);
    Ok(())
}

#[stub::function]
fn patterns((a, b): (u8, u8), mut c: u8, _: u8, Wrapped(d): Wrapped, [e, ..]: [u8; 3]) -> u8 {
    c += 1;
    a + b + c + d + e
}

#[derive(Serialize, Deserialize)]
struct Wrapped(u8);

#[test]
fn patterns_are_arguments() -> stub::Result<()> {
    assert_eq!(patterns((1, 2), 3, 99, Wrapped(4), [5, 0, 0])?, 16);
    Ok(())
}

#[stub::function]
fn result(fail: bool) -> io::Result<u64> {
    if fail {
        Err(io::Error::other("as told"))
    } else {
        Ok(7)
    }
}

#[stub::function]
fn anyhow_result(fail: bool) -> anyhow::Result<BTreeMap<String, u8>> {
    anyhow::ensure!(!fail, "as told");
    Ok(BTreeMap::from([("a".to_owned(), 1)]))
}

#[stub::function]
fn text_result(fail: bool) -> Result<(), &'static str> {
    if fail { Err("as told") } else { Ok(()) }
}

#[stub::function]
fn boxed_result(fail: bool) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    if fail {
        Err("as told".into())
    } else {
        Ok("fine".to_owned())
    }
}

#[stub::function]
fn format_result() -> std::fmt::Result {
    Err(std::fmt::Error)
}

#[test]
fn results_lose_their_layer_and_errors_their_type() -> stub::Result<()> {
    assert_eq!(result(false)?, 7);
    assert_eq!(anyhow_result(false)?["a"], 1);
    text_result(false)?;
    assert_eq!(boxed_result(false)?, "fine");
    let told = |text: String| assert!(text.contains("as told"), "{text}");
    told(result(true).unwrap_err().to_string());
    told(anyhow_result(true).unwrap_err().to_string());
    told(text_result(true).unwrap_err().to_string());
    told(boxed_result(true).unwrap_err().to_string());
    assert!(matches!(
        format_result(),
        Err(stub::Error {
            kind: stub::ErrorKind::Failed { .. },
            ..
        })
    ));
    assert_eq!(
        result::local(true).unwrap_err().kind(),
        io::ErrorKind::Other
    );
    Ok(())
}

#[stub::function]
async fn asynchronous(a: String) -> Result<String, String> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    if a.is_empty() {
        Err("empty".to_owned())
    } else {
        Ok(a)
    }
}

#[tokio::test]
async fn an_async_function_is_awaited() {
    assert_eq!(asynchronous("x".to_owned()).await.unwrap(), "x");
    assert_eq!(asynchronous::local("x".to_owned()).await.unwrap(), "x");
    assert!(asynchronous(String::new()).await.is_err());
    let spawned = tokio::spawn(asynchronous("y".to_owned()));
    assert_eq!(spawned.await.unwrap().unwrap(), "y");
}

#[stub::function(timeout = Duration::from_secs(60))]
#[must_use]
#[expect(clippy::too_many_arguments, reason = "so many")]
fn many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u64 {
    [a, b, c, d, e, f, g, h].into_iter().map(u64::from).sum()
}

#[stub::function(timeout = None)]
#[expect(clippy::too_many_arguments, reason = "so many")]
fn sixteen(
    #[allow(unused_variables, reason = "it is")] a: u8,
    _b: u8,
    _c: u8,
    _d: u8,
    _e: u8,
    _f: u8,
    _g: u8,
    (): (),
    _: u8,
    _: u8,
    _: u8,
    _: u8,
    _: u8,
    _: u8,
    _: u8,
    last: Vec<u8>,
) -> Vec<u8> {
    last
}

#[test]
fn sixteen_arguments_are_not_too_many() -> stub::Result<()> {
    assert_eq!(many(1, 2, 3, 4, 5, 6, 7, 8)?, 36);
    let last = vec![255; 1 << 20];
    assert_eq!(
        sixteen(0, 0, 0, 0, 0, 0, 0, (), 0, 0, 0, 0, 0, 0, 0, last.clone())?,
        last
    );
    Ok(())
}

#[test]
fn functions_inside_functions_may_share_a_name() -> stub::Result<()> {
    fn first() -> stub::Result<u8> {
        #[stub::function]
        fn inner() -> u8 {
            1
        }
        inner()
    }
    fn second() -> stub::Result<u8> {
        #[stub::function]
        fn inner() -> u8 {
            2
        }
        inner()
    }
    assert_eq!((first()?, second()?), (1, 2));
    Ok(())
}

#[stub::function]
#[test]
fn a_test_may_run_in_a_sandbox() {
    assert_eq!(1 + 1, 2);
}

#[test]
#[stub::function]
fn a_test_may_be_annotated_either_way() -> Result<(), String> {
    Ok(())
}

#[cfg(any())]
#[stub::function]
fn absent() {}

#[stub::function]
#[cfg(any())]
fn absent_as_well() {}

#[stub::function]
fn r#match(r#type: u8) -> u8 {
    r#type
}

#[stub::function]
fn arguments_named_like_the_expansion(
    function: u8,
    payload: u8,
    error: u8,
    value: u8,
    arguments_named_like_the_expansion: u8,
    remote: u8,
    local: u8,
) -> u8 {
    function + payload + error + value + arguments_named_like_the_expansion + remote + local
}

#[test]
fn names_do_not_clash() -> stub::Result<()> {
    assert_eq!(r#match(3)?, 3);
    assert_eq!(arguments_named_like_the_expansion(1, 1, 1, 1, 1, 1, 1)?, 7);
    let same = 5;
    assert_eq!(library::same(job())?.size, Some(1 << 60));
    assert_eq!(same, 5);
    Ok(())
}
