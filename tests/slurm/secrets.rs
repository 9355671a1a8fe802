//! Visibility of a secret on its way to a node: it is not found in the scheduler's data, in the spool,
//! or in the environments and command lines of processes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, io, thread};

use stub::Secret;
use stub_test_support::shared;

use crate::turn::{Turn, eventually, names, queue};

const SECRET: &str = "hunter2-and-nothing-else";

#[stub::function(secrets = [Secret::from_dict([("STUB_IT_TOKEN", SECRET)])])]
fn knows(folder: PathBuf) -> io::Result<String> {
    fs::write(folder.join("begun"), "")?;
    while !folder.join("go").exists() {
        thread::sleep(Duration::from_millis(20));
    }
    Ok(env::var("STUB_IT_TOKEN").unwrap_or_default())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns all files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut all = Vec::new();
    for path in entries {
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn a_secret_is_seen_by_the_body_alone() {
    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    let call = knows::spawn(folder.path().to_owned()).unwrap();
    eventually("it has begun", || names(folder.path()).pop());
    let job = queue("%A").pop().unwrap();
    let shown = said("scontrol", &["--details", "show", "job", &job]);
    let script = said("scontrol", &["write", "batch_script", &job, "-"]);
    let record = fs::read_to_string(
        files(&PathBuf::from(env::var_os("XDG_STATE_HOME").unwrap()).join("stub/calls"))
            .pop()
            .unwrap(),
    );
    let record = record.unwrap();
    let key = record
        .split("\"key\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    for (what, text) in [("job", &shown), ("script", &script)] {
        assert!(
            !text.contains(SECRET) && !text.contains(key),
            "{what}: {text}"
        );
    }
    for path in files(turn.spool()) {
        let bytes = fs::read(&path).unwrap();
        let is_program = path.parent().unwrap().ends_with("programs");
        assert!(is_program || !holds(&bytes, SECRET), "{}", path.display());
        assert!(is_program || !holds(&bytes, key), "{}", path.display());
    }
    let mut bodies = 0;
    for process in fs::read_dir("/proc").unwrap() {
        let path = process.unwrap().path();
        for name in ["environ", "cmdline"] {
            let Ok(bytes) = fs::read(path.join(name)) else {
                continue;
            };
            if holds(&bytes, SECRET) {
                let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
                assert_eq!(name.trim(), "stub-worker");
                bodies += 1;
            }
        }
    }
    assert_eq!(bodies, 1);
    fs::write(folder.path().join("go"), "").unwrap();
    assert_eq!(call.get(None).unwrap(), SECRET);
}

#[test]
fn the_files_of_a_call_are_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;

    let Some(turn) = Turn::start() else { return };
    let folder = shared();
    let call = knows::spawn(folder.path().to_owned()).unwrap();
    eventually("it has begun", || names(folder.path()).pop());
    for path in files(turn.spool()) {
        let mut closed = path.ancestors().take_while(|one| *one != turn.spool());
        let mode = |one: &Path| fs::metadata(one).unwrap().permissions().mode();
        let is_closed = |one: &Path| mode(one).trailing_zeros() >= 6;
        assert!(closed.any(is_closed), "{}", path.display());
    }
    fs::write(folder.path().join("go"), "").unwrap();
    call.get(None).unwrap();
}
