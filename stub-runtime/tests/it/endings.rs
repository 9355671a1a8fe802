//! Every way a body can end.

use std::error::Error as _;
use std::time::Duration;

use stub_runtime::__private::InvokeError;
use stub_runtime::ErrorKind;

use crate::harness::{Invoked, call, register};

register!(FAILS, |(): ()| {
    let chain = ["can't read the list", "no such file"]
        .map(String::from)
        .to_vec();
    Err::<(), _>(InvokeError::Failed(chain))
});
register!(PANICS, |(): ()| {
    let empty: Vec<u8> = Vec::new();
    let index = empty.len() + 7;
    Ok(empty[index])
});
register!(PANICS_WITH_VALUE, |(): ()| throw());
register!(EXITS, |(code,): (i32,)| exit(code));
register!(ABORTS, |(): ()| abort());
register!(
    SLEEPS,
    |(): ()| {
        std::thread::sleep(Duration::from_mins(10));
        Ok(())
    },
    options = || stub_runtime::__private::Options::new().timeout(Duration::from_millis(200))
);
register!(WRONG_ARGUMENTS, |(number,): (u8,)| Ok(number));

fn throw() -> Invoked<()> {
    std::panic::panic_any(7_u8)
}

fn exit(code: i32) -> Invoked<()> {
    std::process::exit(code)
}

fn abort() -> Invoked<()> {
    std::process::abort()
}

#[test]
fn the_functions_own_error_comes_back_with_its_sources() {
    let error = call::<()>(&FAILS, ()).unwrap_err();
    assert_eq!(error.to_string(), "can't read the list");
    assert_eq!(error.source().unwrap().to_string(), "no such file");
    assert_eq!(error.function(), "it::endings::FAILS");
}

#[test]
fn a_panic_comes_back_with_its_message_and_its_place() {
    let error = call::<u8>(&PANICS, ()).unwrap_err();
    let ErrorKind::Panicked {
        message, location, ..
    } = &error.kind
    else {
        panic!("{error:?}")
    };
    assert!(message.contains("the index is 7"), "{message}");
    assert!(
        location
            .as_deref()
            .unwrap()
            .contains("tests/it/endings.rs:"),
        "{location:?}"
    );
    let error = call::<()>(&PANICS_WITH_VALUE, ()).unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Panicked { .. }),
        "{error:?}"
    );
}

#[test]
fn exit_and_abort_in_a_body_are_told_apart() {
    for code in [0, 3] {
        let error = call::<()>(&EXITS, (code,)).unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::Exited { code: c, .. } if c == code),
            "{error:?}"
        );
    }
    let error = call::<()>(&ABORTS, ()).unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Killed { signal: 6, .. }),
        "{error:?}"
    );
}

#[test]
fn a_body_that_takes_too_long_is_killed() {
    let error = call::<()>(&SLEEPS, ()).unwrap_err();
    let after = Duration::from_millis(200);
    assert!(
        matches!(error.kind, ErrorKind::TimedOut { after: a, .. } if a == after),
        "{error:?}"
    );
}

#[test]
fn arguments_of_another_type_are_an_error_of_the_codec() {
    let error = call::<u8>(&WRONG_ARGUMENTS, ("text",)).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Codec { .. }), "{error:?}");
}
