//! Successful calls.

use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::api;
use crate::kubelet::{BARE_IMAGE, IMAGE, base64};
use crate::world::{Caller, DATA, World, eventually};

fn numbers(values: impl Iterator<Item = u64>) -> String {
    let texts: Vec<String> = values.map(|value| value.to_string()).collect();
    texts.join(" ")
}

#[test]
fn a_map_gives_each_value_once_and_leaves_nothing() {
    let Some(world) = World::start() else { return };
    let said = world.said("doubles", "300");
    assert_eq!(said, numbers((0..300).map(|number| 2 * number)));
    world.is_clean();
    // No more at once than it may, and no pod by itself.
    let sent = world.sent();
    assert!(
        sent.contains("\"parallelism\":4") && !sent.contains("GET /api/v1/namespaces/jobs/pods/")
    );
}

#[test]
fn one_call_is_a_job_with_what_it_needs() {
    let Some(world) = World::start() else { return };
    assert_eq!(world.said("calls_once", ""), "true");
    let sent = world.sent();
    for part in [
        "\"completions\":1,",
        "\"cpu\":\"500m\"",
        "activeDeadlineSeconds",
    ] {
        assert!(sent.contains(part), "{part}: {sent}");
    }
    world.is_clean();
}

#[test]
fn no_key_and_no_secret_is_where_others_can_read_it() {
    let Some(world) = World::start() else { return };
    world.said("doubles", "20");
    let requests = world.cluster.requests.lock().unwrap().clone();
    let secrets = requests
        .iter()
        .filter(|(method, path, _)| method == "POST" && path.contains("/secrets"));
    let keys: Vec<String> = secrets
        .map(|(_, _, body)| {
            let secret: Value = serde_json::from_str(body).unwrap();
            assert!(secret["metadata"]["ownerReferences"][0]["uid"].is_string());
            String::from_utf8(base64(secret["data"]["key"].as_str().unwrap())).unwrap()
        })
        .collect();
    assert!(!keys.is_empty());
    let sent = world.sent();
    for hidden in keys
        .iter()
        .map(String::as_str)
        .chain([world.s3.secret_access_key()])
    {
        assert!(!hidden.is_empty() && !sent.contains(hidden), "{hidden}");
    }
    // Nor do pods have it in what is asked of them.
    assert!(!sent.contains("\"env\""), "{sent}");
}

#[test]
fn an_image_without_the_program_fetches_it() {
    let Some(world) = World::start() else { return };
    world.set(BARE_IMAGE, "s3://spool/calls");
    assert_eq!(world.said("calls_once", ""), "true");
    world.is_clean();
}

#[test]
fn a_folder_of_the_nodes_is_a_spool_as_well() {
    let Some(world) = World::start() else { return };
    let folder = world.folder.path().join("shared");
    fs::create_dir(&folder).unwrap();
    world.set(IMAGE, folder.to_str().unwrap());
    let said = world.said("doubles", "30");
    assert_eq!(said, numbers((0..30).map(|number| 2 * number)));
    world.is_clean();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_call_that_is_cancelled_ends_politely() {
    let Some(world) = World::start() else { return };
    let mut command = world.act("holds_and_cancels", "held.txt");
    let mut caller = Caller::start(command.stdin(Stdio::piped()));
    caller.next().unwrap();
    eventually("it runs", || {
        let is_running = !world.cluster.pods_in("Running").is_empty();
        let has_begun = world.s3.get(DATA, "held.txt").is_some();
        (is_running && has_begun).then_some(())
    });
    // The server is away, of all times.
    world.cluster.faults.fail(Duration::from_secs(2));
    caller.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let said = caller.next().unwrap();
    assert!(said.contains("was cancelled"), "{said}");
    assert!(caller.child.wait().unwrap().success());
    assert_eq!(
        world.s3.get(DATA, "held.txt").as_deref(),
        Some(&b"begun"[..])
    );
    let signals = world.cluster.signals.lock().unwrap().clone();
    assert!(matches!(&signals[..], [(_, "TERM")]), "{signals:?}");
    assert!(world.sent().contains("{\"spec\":{\"suspend\":true}}"));
    world.is_clean();
}

#[test]
fn a_map_that_is_dropped_ends_at_once() {
    let Some(world) = World::start() else { return };
    let start = Instant::now();
    assert_eq!(world.said("drops_a_map", "1000"), "0\ndropped");
    assert!(start.elapsed() < Duration::from_secs(40));
    let sent = world.sent();
    for part in [
        "\"propagationPolicy\":\"Foreground\"",
        "\"gracePeriodSeconds\":1",
    ] {
        assert!(sent.contains(part), "{part}");
    }
    world.is_clean();
}

#[test]
fn a_call_is_found_again_when_its_caller_was_killed() {
    let Some(world) = World::start() else { return };
    let mut caller = Caller::start(&mut world.act("spawns_and_waits", "40"));
    let id = caller.next().unwrap();
    eventually("it runs, with all inputs", || {
        let is_running = !world.cluster.pods_in("Running").is_empty();
        let is_closed = world.spool().iter().any(|name| name.ends_with("/closed"));
        (is_running && is_closed).then_some(())
    });
    caller.child.kill().unwrap();
    caller.child.wait().unwrap();
    assert_eq!(world.said("finds_again", &id), numbers(0..40));
    world.is_clean();
}

#[test]
fn what_was_written_down_is_run_by_whoever_applies_it() {
    let Some(world) = World::start() else { return };
    let said = world.said("writes_down", "echo \"$TOKEN $$\" >&2; exit 7");
    let (id, text) = said.split_once('\n').unwrap();
    assert_eq!(world.cluster.requests.lock().unwrap().len(), 0);
    let list: Value = serde_json::from_str(text).unwrap();
    assert!(!list["items"][1].to_string().contains("a-secret-token"));
    for item in list["items"].as_array().unwrap() {
        let kind = item["kind"].as_str().unwrap();
        api::create(&mut world.cluster.objects(), kind, item).unwrap();
    }
    let said = world.said("attaches", id);
    assert!(said.contains("status(7)"), "{said}");
    world.is_clean();
}
