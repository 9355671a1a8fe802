#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use super::{IntoSecret, Secret, SecretError, environment};

#[test]
fn a_secret_shows_its_names_and_never_its_values() {
    let secret = Secret::from_dict([("AWS_ACCESS_KEY_ID", "AKIA"), ("B", "hunter2")]);
    let shown = format!("{secret:?} {secret:#?}");
    assert!(shown.contains("AWS_ACCESS_KEY_ID"), "{shown}");
    assert!(
        !shown.contains("AKIA") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn a_dict_may_come_from_any_pairs_of_strings() {
    let owned = Secret::from_dict(vec![("A".to_owned(), "1".to_owned())]);
    let borrowed = Secret::from_dict([("A", "1")]);
    assert_eq!(owned, borrowed);
    assert_eq!(
        Secret::from_dict([("A", "1"), ("A", "2")]).get("A"),
        Some("2")
    );
}

#[test]
fn all_missing_variables_are_named_at_once() {
    let error = Secret::from_env(["PATH", "STUB_NOT_SET_1", "STUB_NOT_SET_2"]).unwrap_err();
    assert!(
        matches!(&error, SecretError::NotSet { missing } if missing.len() == 2),
        "{error}"
    );
    assert!(!error.to_string().contains("PATH"), "{error}");
}

#[test]
fn set_variables_are_taken() {
    let secret = Secret::from_env(["PATH"]).unwrap();
    assert_eq!(secret.names().collect::<Vec<_>>(), ["PATH"]);
}

#[test]
fn a_dotenv_file_gives_its_variables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.env");
    fs::write(&path, "# comment\nA=1\nexport B=\"two words\"\n\nC='x=y'\n").unwrap();
    let secret = Secret::from_dotenv_path(&path).unwrap();
    assert_eq!(
        secret,
        Secret::from_dict([("A", "1"), ("B", "two words"), ("C", "x=y")])
    );
}

#[test]
fn values_are_taken_as_they_are() {
    let parsed = |text: &str| super::dotenv::parse(text.as_bytes());
    for (line, value) in [
        ("A=pa$word", "pa$word"),
        ("A=${HOME}$(id)`id`", "${HOME}$(id)`id`"),
        ("A=a\"b\"c", "a\"b\"c"),
        ("A=it's", "it's"),
        ("A='tis", "'tis"),
        ("A=\"", "\""),
        ("A=''", ""),
        ("A=", ""),
        (r"A=back\slash\n", r"back\slash\n"),
        ("A=one # two", "one # two"),
        ("A=b=c==", "b=c=="),
        ("A=\"two words \"", "two words "),
        ("A='it's'", "it's"),
        ("A=''quoted''", "'quoted'"),
        (r#"A="\"$x\"""#, r#"\"$x\""#),
        ("  A =\tblanks around  \r", "blanks around"),
        ("export A=exported", "exported"),
        ("export\tA=exported", "exported"),
    ] {
        let found = parsed(line).unwrap();
        assert_eq!(found.get("A").map(String::as_str), Some(value), "{line:?}");
        assert_eq!(found.len(), 1, "{line:?}");
    }
    assert_eq!(parsed("exported=1").unwrap()["exported"], "1");
    assert_eq!(parsed("export=1").unwrap()["export"], "1");
    for (text, line) in [
        ("A=1\n\n# B\nhunter2", 4),
        ("=1", 1),
        ("A B=1", 1),
        ("A=1\nB", 2),
    ] {
        assert_eq!(parsed(text), Err(line), "{text:?}");
    }
    assert_eq!(super::dotenv::parse(b"A=1\nB=\xff"), Err(2));
}

#[test]
fn a_malformed_line_is_placed_but_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    fs::write(&path, "A=1\nhunter2 is not a pair\n").unwrap();
    let error = Secret::from_dotenv_path(&path).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("line 2 of `") && text.contains(".env"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_missing_dotenv_file_is_named() {
    let error = Secret::from_dotenv_path("/nonexistent/.env").unwrap_err();
    assert_eq!(error.to_string(), "failed to read `/nonexistent/.env`");
}

#[test]
fn what_no_environment_can_hold_is_refused_without_showing_it() {
    for name in ["", "A=B", "A\0"] {
        let error = environment([Secret::from_dict([(name, "hunter2")])]).unwrap_err();
        assert!(matches!(error, SecretError::NotAName { .. }));
        assert!(!error.to_string().contains("hunter2"));
    }
    let error = environment([Secret::from_dict([("A", "hunter2\0")])]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the value of A has a NUL character, which no variable can hold"
    );
}

#[test]
fn of_several_secrets_the_last_value_counts() {
    let secrets = [
        Secret::from_dict([("A", "1"), ("B", "1")]),
        Secret::from_dict([("A", "2")]),
    ];
    let variables = environment(secrets).unwrap();
    assert_eq!(variables["A"], "2");
    assert_eq!(variables["B"], "1");
}

#[test]
fn a_failed_constructor_is_kept_as_it_is() {
    let error = Secret::from_env(["STUB_NOT_SET_1"])
        .into_secret()
        .unwrap_err();
    assert!(error.to_string().ends_with("STUB_NOT_SET_1"));
}

#[test]
fn a_function_gives_a_secret_and_its_error_or_panic_is_placed() {
    let secret = Secret::from_fn(|| Ok::<_, String>(vec![("A".to_owned(), "hunter2")])).unwrap();
    assert_eq!(secret, Secret::from_dict([("A", "hunter2")]));
    assert!(!format!("{secret:?}").contains("hunter2"));
    let missing = || fs::read_to_string("/nonexistent/keys").map(|text| [("A", text)]);
    for (failed, reason) in [
        (
            Secret::from_fn(missing),
            ": No such file or directory (os error 2)",
        ),
        (
            Secret::from_fn(|| -> Result<[(&str, &str); 0], &str> { panic!("hunter2") }),
            ": it panicked",
        ),
    ] {
        let error = failed.unwrap_err();
        let text = error.to_string();
        let start = concat!("failed to get a secret from the function at ", file!(), ":");
        assert!(text.starts_with(start) && text.ends_with(reason), "{text}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
