//! Failures of a call, and their error messages.

use std::error::Error as _;
use std::time::Duration;
use std::{fmt, io};

use stub::ErrorKind;
use stub_test_support::Clean;

#[derive(Debug)]
struct Broken {
    part: &'static str,
    source: io::Error,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} is broken", self.part)
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

#[stub::function]
fn fails(part: bool) -> Result<u8, Broken> {
    let source = io::Error::other("a tooth is missing");
    if part {
        Err(Broken {
            part: "wheel",
            source,
        })
    } else {
        Ok(1)
    }
}

#[stub::function]
fn fails_in_context() -> anyhow::Result<()> {
    use anyhow::Context;
    Err(io::Error::from(io::ErrorKind::NotFound)).context("can't read the list")
}

#[stub::function]
fn panics(index: usize) -> u8 {
    let few = [1, 2, 3];
    few[index]
}

#[stub::function(timeout = Duration::from_millis(300))]
fn sleeps() {
    std::thread::sleep(Duration::from_hours(1));
}

#[stub::function]
fn exits(code: i32) -> String {
    std::process::exit(code)
}

#[stub::function]
fn aborts() {
    std::process::abort()
}

#[stub::function]
async fn panics_asynchronously() {
    std::future::ready(()).await;
    panic!("after waiting");
}

#[test]
fn the_functions_own_error_comes_with_its_chain() {
    let _clean = Clean::start();
    assert_eq!(fails(false).unwrap(), 1);
    let error = fails(true).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Failed { .. }), "{error:?}");
    assert_eq!(error.function(), "it::endings::fails");
    assert_eq!(error.to_string(), "the wheel is broken");
    assert_eq!(error.source().unwrap().to_string(), "a tooth is missing");

    let error = fails_in_context().unwrap_err();
    assert_eq!(
        (error.to_string(), error.source().unwrap().to_string()),
        (
            "can't read the list".to_owned(),
            "entity not found".to_owned()
        )
    );
}

#[test]
fn a_panic_is_an_error_with_its_message_and_place() {
    let _clean = Clean::start();
    assert_eq!(panics(1).unwrap(), 2);
    let text = panics(7).unwrap_err().to_string();
    let (place, message) = text.split_once(": ").unwrap();
    assert!(
        place.starts_with("`it::endings::panics` panicked at tests/it/endings.rs:"),
        "{text}"
    );
    assert_eq!(
        message,
        "index out of bounds: the len is 3 but the index is 7"
    );
    let error = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(panics_asynchronously());
    let text = error.unwrap_err().to_string();
    assert!(text.ends_with(": after waiting"), "{text}");
}

#[test]
fn a_timeout_an_exit_and_a_signal_are_told_apart() {
    let _clean = Clean::start();
    let expected = [
        (
            sleeps(),
            "`it::endings::sleeps` was killed because it ran longer than its timeout of 300ms",
        ),
        (
            exits(0).map(drop),
            "`it::endings::exits` ended its process with exit status 0 instead of returning",
        ),
        (
            exits(9).map(drop),
            "`it::endings::exits` ended its process with exit status 9 instead of returning",
        ),
        (
            aborts(),
            "`it::endings::aborts` was killed by SIGABRT (it aborted)",
        ),
    ];
    for (result, words) in expected {
        assert_eq!(result.unwrap_err().to_string(), words);
    }
}
