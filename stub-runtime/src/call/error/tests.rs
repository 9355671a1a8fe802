//! Tests of errors of calls.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use s3fs_core::NotStored;

use super::*;
use crate::call::SandboxStep;

fn failed(kind: ErrorKind) -> Error {
    Error::new(Attempt::first("demo::f"), kind)
}

#[test]
fn an_attempt_is_that_of_the_cause_as_well() {
    let cause = Some(Box::new(failed(ErrorKind::Killed { signal: 9 })));
    let objects = Vec::new();
    let error = failed(ErrorKind::NotStored { objects, cause });
    let mut third = Attempt::first("demo::f");
    third.number = 3;
    let error = error.in_attempt(&third);
    assert_eq!(error.attempt.number, 3);
    let ErrorKind::NotStored {
        cause: Some(cause), ..
    } = error.kind
    else {
        panic!("{error:?}")
    };
    assert_eq!(cause.attempt(), &third);
}

#[test]
fn the_functions_own_error_keeps_its_text_and_its_sources() {
    let chain = ["can't read", "no such file"].map(String::from).to_vec();
    let source = Message::from_chain(chain);
    let error = failed(ErrorKind::Failed { source });
    assert_eq!(error.to_string(), "can't read");
    let cause = error.source().unwrap();
    assert_eq!(cause.to_string(), "no such file");
    assert!(cause.source().is_none());
    let line = format!("{error:#}");
    assert_eq!(line, "`demo::f` failed: can't read: no such file");
}

#[test]
fn texts_name_the_function_and_what_happened() {
    let text = failed(ErrorKind::Panicked {
        message: "boom".into(),
        location: Some("src/main.rs:3:5".to_owned()),
    });
    assert_eq!(
        text.to_string(),
        "`demo::f` panicked at src/main.rs:3:5: boom"
    );
    let text = failed(ErrorKind::Sandbox {
        step: SandboxStep::OpenFuse,
        reason: "it doesn't exist".into(),
        remedy: Some("run `modprobe fuse` as root".into()),
    });
    assert_eq!(
        text.to_string(),
        "`demo::f` failed to open /dev/fuse: it doesn't exist\nrun `modprobe fuse` as root"
    );
}

#[test]
fn a_long_list_of_objects_is_cut_in_the_text_only() {
    let object = |n| NotStored {
        object: format!("s3://b/{n}"),
        reason: "refused".into(),
        kept_in: None,
    };
    let objects = (0..7).map(object).collect();
    let cause = None;
    let text = failed(ErrorKind::NotStored { objects, cause }).to_string();
    assert!(text.contains("s3://b/4 (refused) and 2 more"), "{text}");
}

#[test]
fn it_fits_into_boxed_and_other_peoples_errors() {
    fn boxed() -> std::result::Result<(), Box<dyn StdError + Send + Sync>> {
        Err(failed(ErrorKind::Exited { code: 3 }))?
    }
    fn any() -> anyhow::Result<()> {
        Err(failed(ErrorKind::Killed { signal: 9 }))?
    }
    assert!(boxed().unwrap_err().to_string().contains("exit status 3"));
    assert!(any().unwrap_err().to_string().contains("SIGKILL"));
}

#[test]
fn no_error_repeats_its_causes() {
    let missing = || Arc::new(io::Error::from_raw_os_error(2));
    let killed = failed(ErrorKind::Killed { signal: 9 });
    let chain = ["can't read", "no such file"].map(String::from).to_vec();
    let source = Message::from_chain(chain);
    for kind in [
        ErrorKind::Failed { source },
        ErrorKind::NotStarted { source: missing() },
        ErrorKind::Start {
            step: "start a thread".into(),
            source: missing(),
        },
        ErrorKind::NotStored {
            objects: Vec::new(),
            cause: Some(Box::new(killed)),
        },
    ] {
        let error = failed(kind);
        let cause = error.source().unwrap().to_string();
        assert!(!error.to_string().contains(&cause), "{error}");
        let line = format!("{error:#}");
        assert_eq!(line.matches(&cause).count(), 1, "{line}");
        assert!(line.starts_with("`demo::f` "), "{line}");
    }
}
