//! Calls during failures.

use std::time::{Duration, Instant};

use crate::cluster::Accident;
use crate::world::{Caller, World, eventually};

/// Runs a slow map of `count` inputs, lets something happen in the middle, and returns the map's output.
fn meanwhile(world: &World, count: u64, happen: impl FnOnce(&World)) -> String {
    let mut caller = Caller::start(&mut world.act("maps_slowly", &count.to_string()));
    eventually("it runs", || {
        (!world.cluster.pods_in("Running").is_empty()).then_some(())
    });
    happen(world);
    let said = caller.next().unwrap();
    assert!(caller.child.wait().unwrap().success());
    said
}

fn all(count: u64) -> String {
    let texts: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    texts.join(" ")
}

fn jobs(world: &World) -> usize {
    let requests = world.cluster.requests.lock().unwrap();
    let names = requests
        .iter()
        .filter(|(method, path, _)| method == "POST" && path.contains("/jobs"));
    let names = names.map(|(_, _, body)| {
        let job: serde_json::Value = serde_json::from_str(body).unwrap();
        job["metadata"]["name"].to_string()
    });
    names.collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn the_inputs_of_a_lost_pod_are_run_again() {
    let Some(world) = World::start() else { return };
    let said = meanwhile(&world, 32, |world| {
        for pod in world.cluster.pods_in("Running") {
            world.cluster.accident(&pod, Accident::NodeLost);
        }
    });
    assert_eq!(said, all(32));
    assert!(jobs(&world) > 1, "by tasks of another Job");
    assert!(world.sent().contains("continue="), "page by page");
    world.is_clean();
}

#[test]
fn a_body_that_takes_too_much_memory_is_told() {
    let Some(world) = World::start() else { return };
    let mut caller = Caller::start(&mut world.act("lingers", ""));
    let pod = eventually("it runs", || world.cluster.pods_in("Running").pop());
    world.cluster.accident(&pod, Accident::OutOfMemory);
    let said = caller.next().unwrap();
    assert!(said.contains("OOMKilled, exit status 137"), "{said}");
    assert!(caller.child.wait().unwrap().success());
    world.is_clean();
}

#[test]
fn an_image_that_can_t_be_pulled_is_told_and_not_waited_for() {
    let Some(world) = World::start() else { return };
    for (image, reason) in [
        ("registry.test/missing:1", "ErrImagePull"),
        ("Registry.Test/Wrong", "InvalidImageName"),
    ] {
        world.set(image, "s3://spool/calls");
        let start = Instant::now();
        let said = world.said("lingers", "");
        let is_clear = said.contains(reason) && said.contains("`image` of the engine's settings");
        assert!(is_clear, "{said}");
        assert!(start.elapsed() < Duration::from_secs(30));
        world.is_clean();
    }
}

#[test]
fn a_server_that_is_away_for_some_time_is_waited_for() {
    let Some(world) = World::start() else { return };
    let said = meanwhile(&world, 48, |world| {
        world.cluster.faults.fail(Duration::from_secs(3));
    });
    assert_eq!(said, all(48));
    let said = meanwhile(&world, 48, |world| {
        world.cluster.faults.be_silent(Duration::from_secs(3));
    });
    assert_eq!(said, all(48));
    world.is_clean();
}

#[test]
fn a_job_whose_answer_is_lost_is_not_made_twice() {
    let Some(world) = World::start() else { return };
    world.cluster.faults.lose_answers(1);
    assert_eq!(world.said("doubles", "8"), "0 2 4 6 8 10 12 14");
    assert_eq!(jobs(&world), 1);
    world.is_clean();
}

#[test]
fn a_cluster_that_refuses_says_why_and_what_helps() {
    let Some(world) = World::start() else { return };
    let config = world.folder.path().join("kubeconfig");
    let text = std::fs::read_to_string(&config).unwrap();
    for (from, to, parts) in [
        (crate::api::TOKEN, "another", ["Unauthorized", "log in"]),
        (
            "\"namespace\":\"jobs\"",
            "\"namespace\":\"other\"",
            ["forbidden", "RBAC"],
        ),
    ] {
        std::fs::write(&config, text.replace(from, to)).unwrap();
        let said = world.said("lingers", "");
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        assert_eq!(world.spool(), Vec::<String>::new());
    }
    std::fs::remove_file(&config).unwrap();
    let said = world.said("lingers", "");
    assert!(said.contains("set KUBECONFIG"), "{said}");
}
