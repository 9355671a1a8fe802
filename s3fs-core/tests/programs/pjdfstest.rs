//! `pjdfstest`: hundreds of cases on the POSIX semantics of each system call.
//!
//! `pjdfstest.expected` lists the expected failures, each with its reason; an unexpected pass is a
//! failure too.

use std::collections::BTreeMap;
use std::process::Command;

use stub_test_support::is_root;

use crate::place::Place;
use crate::run::{program, told};
use crate::tools::tool;

/// Configuration of the suite. Its users exist on Debian and its derivatives.
const CONFIGURATION: &str = r#"
[features]
posix_fallocate = {}
rename_ctime = {}
utime_now = {}
utimensat = {}
[settings]
naptime = 0.02
[dummy_auth]
entries = [["nobody", "nogroup"], ["daemon", "daemon"]]
"#;

/// Minimum number of cases: as many ran on Linux when this was written.
const AT_LEAST: usize = 370;

/// Returns the names of the expected failures and their reasons: `name: reason`.
fn expected() -> BTreeMap<&'static str, &'static str> {
    include_str!("pjdfstest.expected")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(": ").unwrap())
        .collect()
}

#[test]
fn system_calls_do_what_posix_says() {
    if !is_root() {
        return; // It becomes other users.
    }
    let Some(suite) = tool("bin/pjdfstest") else {
        return;
    };
    let place = Place::new();
    let about = tempfile::tempdir().unwrap();
    let file = about.path().join("pjdfstest.toml");
    std::fs::write(&file, CONFIGURATION).unwrap();
    let mut command: Command = program(suite, place.path());
    command.arg("-c").arg(&file).arg("-p").arg(place.path());
    if !place.is_local() {
        // Another file system, which nothing can be renamed to.
        command.arg("-s").arg(about.path());
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = if place.is_local() {
        BTreeMap::new()
    } else {
        expected()
    };
    let mut wrong = Vec::new();
    let mut ran = 0;
    for line in said.lines().filter(|line| line.contains("::")) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(result)) = (words.next(), words.next()) else {
            continue;
        };
        let passed = match result {
            "ok" => true,
            "FAILED" => false,
            _ => continue,
        };
        ran += 1;
        // What fails now and then is neither expected nor to pass.
        if passed == expected.contains_key(name) && !expected.contains_key(&*format!("~{name}")) {
            let reason = expected.get(name).unwrap_or(&"it is to pass");
            wrong.push(format!("{name}: {result}, but {reason}"));
        }
    }
    assert!(ran >= AT_LEAST, "only {ran} ran: {}", told(&output));
    let why = if wrong.is_empty() {
        String::new()
    } else {
        said
    };
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}\n{why}", wrong.len());
}
