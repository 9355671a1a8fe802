//! Secrets, and the visibility of credentials.

use std::collections::BTreeMap;
use std::env;

use stub::{ErrorKind, Secret};
use stub_test_support::Clean;

use crate::act::{act, output, tell, told};
use crate::bucket::{self, volume};

type Variables = BTreeMap<String, String>;

#[stub::function(
    volumes = <"/stub-it/data" => volume()>,
    secrets = [Secret::from_dict([("TOKEN", "hunter2")]), Secret::from_dict([("AWS_SESSION_TOKEN", "given")])],
)]
fn with_secrets() -> Variables {
    env::vars().collect()
}

#[stub::function(volumes = <"/stub-it/data" => volume()>)]
fn without_secrets() -> Variables {
    env::vars().collect()
}

#[stub::function(secrets = [Secret::from_env(["STUB_IT_MISSING", "PATH"])])]
fn with_a_missing_secret() {}

#[test]
fn secrets_are_variables_and_credentials_are_not() {
    let _clean = Clean::start();
    let server = bucket::server();
    let (good, text) = output(
        tell(&mut act("environment::variables_act"), &server)
            .env("AWS_ACCESS_KEY_ID", "outer-id")
            .env("AWS_SECRET_ACCESS_KEY", "outer-secret")
            .env("AWS_SESSION_TOKEN", "outer-token")
            .env("KEPT", "kept"),
    );
    assert!(good, "{text}");
}

#[test]
#[ignore = "run by another test"]
fn variables_act() {
    bucket::choose(told(true));
    let with = with_secrets().unwrap();
    assert_eq!(with["TOKEN"], "hunter2");
    assert_eq!(with["AWS_SESSION_TOKEN"], "given");
    let without = without_secrets().unwrap();
    assert_eq!(without["KEPT"], "kept");
    for name in [
        "TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        assert!(!without.contains_key(name), "{name}");
    }
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        assert!(!with.contains_key(name), "{name}");
    }
    // Ours go, the caller's stay.
    let own: Variables = env::vars().collect();
    let new: Vec<_> = without
        .keys()
        .filter(|name| !own.contains_key(*name))
        .collect();
    assert_eq!(new, Vec::<&String>::new());
    assert_eq!(own["AWS_SECRET_ACCESS_KEY"], "outer-secret");
}

#[test]
fn the_standard_chain_reads_the_callers_variables() {
    let _clean = Clean::start();
    let server = bucket::server();
    let (good, text) = output(
        tell(&mut act("environment::chain_act"), &server)
            .env("AWS_ACCESS_KEY_ID", server.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", server.secret_access_key()),
    );
    assert!(good, "{text}");
}

#[test]
#[ignore = "run by another test"]
fn chain_act() {
    bucket::choose(told(false));
    let variables = without_secrets().unwrap();
    assert!(!variables.contains_key("AWS_ACCESS_KEY_ID"));
}

#[test]
fn a_missing_secret_is_an_error_before_anything_runs() {
    let _clean = Clean::start();
    let error = with_a_missing_secret().unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Secret { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "`it::environment::with_a_missing_secret` failed to load its secrets: \
         not set in the environment: STUB_IT_MISSING"
    );
}
