//! Execution of a round and checks of its outcome.

use std::sync::Arc;
use std::time::Duration;

use nix::mount::{MntFlags, umount2};
use s3_local::Server;
use stub_test_support::served;

use crate::journal::{Acknowledged, Digest};
use crate::left::left;
use crate::plan::{End, Plan, Runner};
use crate::running::{self, Ended, Places, WORK};
use crate::trouble::Trouble;

/// Maximum time by which a round may outlast its limit.
const GRACE: Duration = Duration::from_secs(15);

/// Runs a round.
///
/// # Errors
/// List of failed checks.
pub(crate) fn run(plan: &Plan) -> Result<(), Vec<String>> {
    let server = Arc::new(served("data", &[(&key(""), "")]));
    let places = Places::new(plan);
    let trouble = Trouble::start(&server, plan);
    let ended = running::run(plan, &places, &server, GRACE);
    drop(trouble);
    let mut reasons = Vec::new();
    match ended {
        Some(ended) => reasons.extend(check(plan, &places, &server, &ended)),
        None => reasons.push(format!("no end {GRACE:?} after its limit")),
    }
    let round = plan.seed.to_string();
    reasons.extend(left(&round, &places.mount, &places.at("tmp")));
    // A mount that is left fails this round, and shall not disturb the next.
    let _ = umount2(&places.mount, MntFlags::MNT_DETACH);
    if reasons.is_empty() {
        return Ok(());
    }
    reasons.push(format!("said: {}", places.said()));
    Err(reasons)
}

fn check(plan: &Plan, places: &Places, server: &Server, ended: &Ended) -> Vec<String> {
    let acknowledged = Acknowledged::read(&places.at("journal"));
    let jobs_own = ended.job.unwrap_or(ended.status);
    let mut reasons = Vec::new();
    if plan.must_succeed() && !(ended.status.success() && jobs_own.success()) {
        reasons.push(format!("{ended:?}, though the trouble passed"));
    }
    let stored = |name: &str| {
        server
            .get("data", &key(name))
            .map(|bytes| Digest::of(&bytes))
    };
    let said = places.said();
    for (name, expected) in &acknowledged.files {
        if acknowledged.unknown.contains(name) || stored(name) == *expected {
            continue;
        }
        let found = stored(name);
        if ended.status.success() {
            reasons.push(format!(
                "exit status 0, but {name} is {found:?}, not {expected:?}"
            ));
        } else if is_polite(plan.end) && !names(&said, name) {
            reasons.push(format!(
                "{name} is {found:?}, not {expected:?}, and not named"
            ));
        } else if acknowledged.synced.contains(name) {
            reasons.push(format!(
                "{name} is {found:?}, not {expected:?}, after fsync"
            ));
        }
    }
    if ended.status.success() {
        for key in server.keys("data") {
            let name = key.strip_prefix(&self::key("")).unwrap_or(&key);
            let is_known = matches!(acknowledged.files.get(name), Some(Some(_)));
            if !name.is_empty() && !is_known && !acknowledged.unknown.contains(name) {
                reasons.push(format!("exit status 0, but {key} is there"));
            }
        }
        // A job in a sandbox that succeeds has ended all its operations.
        let has_begun = plan.runner == Runner::Run && !acknowledged.unknown.is_empty();
        if has_begun {
            reasons.push(format!("exit status 0 after {:?}", acknowledged.unknown));
        }
        // The answer to the creation of one may have been lost; then it is named.
        for key in server.incomplete_uploads("data") {
            if !said.contains(&format!("unfinished upload of s3://data/{key} ")) {
                reasons.push(format!("an upload of {key} is left, and not named"));
            }
        }
    }
    reasons
}

/// Returns the key of a file.
fn key(name: &str) -> String {
    format!("{WORK}/{name}")
}

/// Returns whether a text names a file.
fn names(text: &str, name: &str) -> bool {
    let key = key(name);
    let mut found = text.match_indices(&key);
    found.any(|(at, _)| !text[at + key.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

/// Returns whether the program had the opportunity to name unstored objects.
fn is_polite(end: End) -> bool {
    matches!(end, End::Done | End::Signal(..) | End::Timeout(_))
}
