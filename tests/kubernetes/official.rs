//! Manifests checked by the official schemas, with the program `kubernetes-validate`, which
//! scripts/test-programs.sh installs. Skipped if it is not installed; an error in CI (`CI=true`).

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::world::World;

fn program() -> Option<PathBuf> {
    let target = std::env::current_exe().unwrap();
    // target/debug/deps/kubernetes-…
    let target = target.ancestors().nth(3).unwrap().to_owned();
    let program = target.join("test-programs/python/bin/kubernetes-validate");
    let is_there = program.exists();
    let must_be = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(is_there || !must_be, "{} is missing", program.display());
    is_there.then_some(program)
}

#[test]
fn what_is_made_keeps_to_the_official_schemas() {
    let (Some(program), Some(world)) = (program(), World::start()) else {
        return;
    };
    let said = world.said("writes_down", "true");
    let (_, text) = said.split_once('\n').unwrap();
    world.said("calls_once", "");
    let requests = world.cluster.requests.lock().unwrap().clone();
    let made = requests.into_iter().filter(|(method, ..)| method == "POST");
    let list: Value = serde_json::from_str(text).unwrap();
    let written = list["items"].as_array().unwrap().iter();
    let all = written
        .map(ToString::to_string)
        .chain(made.map(|(_, _, body)| body));
    let path = world.folder.path().join("manifest.json");
    let mut count = 0;
    for manifest in all {
        fs::write(&path, &manifest).unwrap();
        let output = Command::new(&program).arg("--strict").arg(&path).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}: {manifest}");
        count += 1;
    }
    assert!(count >= 4, "{count}");
    // The program does notice.
    fs::write(
        &path,
        r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"x"},"spec":{"completion":1}}"#,
    )
    .unwrap();
    let output = Command::new(&program).arg("--strict").arg(&path).output();
    assert!(!output.unwrap().status.success());
}
