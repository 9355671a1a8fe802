//! Checks of this machine and of buckets for calls, with a remedy for each problem.

use std::fmt;
use std::path::PathBuf;

use s3fs_core::{
    Access, MountConfig, Objects, Probe, Resources, Trial, TrialOutcome, Unshown, probe, trials,
};
use serde::Serialize;
use tokio::runtime::Runtime;

use super::caller::{Canceller, LocalCall, Takers};
use super::sandbox::explain;
use crate::call::{CallSpec, Error, ErrorKind, Limits, SandboxStep, Work};
use crate::declare::Retries;
use crate::observe::watch::Watch;
use crate::protocol::StartFailure;
use crate::sys;

/// Oldest kernel on which an ordinary user can mount in a namespace of their own.
const OLDEST_KERNEL: (u32, u32) = (5, 11);

/// Result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Subject of the check.
    pub what: String,
    /// Problem and its remedy; none if all is well.
    pub problem: Option<String>,
    /// Harmless difference from Amazon's servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Check {
    fn new(what: impl Into<String>, problem: Option<String>) -> Self {
        Self {
            what: what.into(),
            // A check has one line, also for a remedy.
            problem: problem.map(|problem| problem.replace('\n', "; ")),
            note: None,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.problem, &self.note) {
            (Some(problem), _) => write!(f, "FAIL  {}: {problem}", self.what),
            (None, Some(note)) => write!(f, "note  {}: {note}", self.what),
            (None, None) => write!(f, "ok    {}", self.what),
        }
    }
}

/// Checks the machine and the buckets. Each bucket is listed. Read, write and delete permission is
/// checked by a key that does not exist. If all of them are granted, the server's features are
/// tried on objects made for that. Nothing is left in a bucket, except versions if it keeps them.
pub fn doctor(mounts: &[MountConfig]) -> Vec<Check> {
    let mut checks = vec![kernel(), fuse(), sandbox()];
    if mounts.is_empty() {
        return checks;
    }
    match Runtime::new() {
        Ok(runtime) => {
            let resources = Resources::default();
            for mount in mounts {
                checks.extend(runtime.block_on(bucket(mount, &resources)));
            }
        }
        Err(error) => checks.push(Check::new("threads", Some(error.to_string()))),
    }
    checks
}

fn kernel() -> Check {
    let release = sys::kernel_release();
    let problem = version(&release)
        .filter(|version| *version < OLDEST_KERNEL)
        .map(|_| {
            let (major, minor) = OLDEST_KERNEL;
            format!(
                "an ordinary user needs Linux {major}.{minor} or newer; update it, or run as root"
            )
        });
    Check::new(format!("Linux {release}"), problem)
}

/// Parses the major and minor version.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(['.', '-']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn fuse() -> Check {
    let problem = sys::open_fuse().err().map(|error| {
        let failure = explain(&SandboxStep::OpenFuse, &error);
        match failure {
            StartFailure::Sandbox { reason, remedy, .. } => advice(reason, remedy),
            _ => error.to_string(),
        }
    });
    Check::new("/dev/fuse", problem)
}

fn advice(reason: String, remedy: Option<String>) -> String {
    match remedy {
        Some(remedy) => format!("{reason}; {remedy}"),
        None => reason,
    }
}

/// Checks that a sandbox can be built, by building one.
fn sandbox() -> Check {
    let spec = CallSpec {
        version: CallSpec::VERSION,
        name: None,
        work: Work::Command {
            program: "true".into(),
            arguments: Vec::new(),
        },
        volumes: Vec::new(),
        environment: std::collections::BTreeMap::new(),
        timeout: None,
        workdir: PathBuf::from("/"),
        network: true,
        isolate: false,
        limits: Limits::default(),
    };
    let call = LocalCall {
        takers: Takers::of(Watch::of(spec.label())),
        spec: &spec,
        retries: &Retries::default(),
        canceller: &Canceller::default(),
    };
    let problem = match call.outcome() {
        // That there is no such program is no fault of the sandbox.
        Ok(_)
        | Err(Error {
            kind: ErrorKind::NotStarted { .. },
            ..
        }) => None,
        Err(error) => Some(error.to_string()),
    };
    Check::new("namespaces", problem)
}

async fn bucket(mount: &MountConfig, resources: &Resources) -> Vec<Check> {
    let name = format!("s3://{}/{}", mount.bucket, mount.prefix);
    match probe(mount, resources).await {
        Err(error) => vec![Check::new(name, Some(error.to_string()))],
        Ok(probes) => {
            let is_allowed = probes
                .iter()
                .all(|one| one.refused.is_none() || one.without.is_some());
            let mut checks: Vec<Check> = probes
                .into_iter()
                .map(|one| permission(&name, one))
                .collect();
            if is_allowed && changes_all(mount) {
                checks.extend(capabilities(&name, mount, resources).await);
            }
            checks.extend(names(&name, mount, resources).await);
            checks
        }
    }
}

fn permission(name: &str, probe: Probe) -> Check {
    let what = format!("{name} {}", probe.action);
    match (probe.refused, probe.without) {
        (Some(_), Some(without)) => Check {
            note: Some(without.to_owned()),
            ..Check::new(what, None)
        },
        (refused, _) => {
            let problem = refused.map(|error| format!("{error}; `policy` prints what is needed"));
            Check::new(what, problem)
        }
    }
}

/// Returns whether objects may be created, replaced and deleted.
fn changes_all(mount: &MountConfig) -> bool {
    let all = Access::ReadWrite {
        delete: true,
        overwrite: true,
    };
    mount.access == all
}

/// Tries the features of the bucket's server, on objects that are deleted again.
async fn capabilities(name: &str, mount: &MountConfig, resources: &Resources) -> Vec<Check> {
    match trials(mount, resources).await {
        Err(error) => vec![Check::new(name, Some(error.to_string()))],
        Ok(trials) => trials.into_iter().map(|one| tried(name, one)).collect(),
    }
}

fn tried(name: &str, trial: Trial) -> Check {
    let what = format!("{name} {}", trial.capability);
    match trial.outcome {
        TrialOutcome::Supported => Check::new(what, None),
        TrialOutcome::Missing => Check {
            note: Some(trial.capability.without().to_owned()),
            ..Check::new(what, None)
        },
        TrialOutcome::Failed(error) => Check::new(what, Some(error.to_string())),
    }
}

/// Returns a check about keys that a mount can't show, if there are any. They are no problem: other
/// tools see them.
async fn names(name: &str, mount: &MountConfig, resources: &Resources) -> Option<Check> {
    // What can't be listed was said by the checks above.
    let objects = Objects::connect(mount, resources).await.ok()?;
    let unshown = objects.unshown().await.ok()?;
    (unshown.keys > 0).then(|| Check {
        note: Some(told(&unshown)),
        ..Check::new(format!("{name} names"), None)
    })
}

fn told(unshown: &Unshown) -> String {
    let Unshown {
        listed,
        is_whole,
        keys,
        examples,
    } = unshown;
    let of = if *is_whole {
        format!("{listed} keys")
    } else {
        format!("the first {listed} keys")
    };
    let examples: Vec<String> = examples.iter().map(|key| format!("{key:?}")).collect();
    let such = examples.join(", ");
    format!("{keys} of {of} are not shown in a mount, since no file can have their names: {such}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        assert_eq!(version("6.18.0-generic"), Some((6, 18)));
        assert_eq!(version("5.4"), Some((5, 4)));
        assert!(version("5.4").is_some_and(|version| version < OLDEST_KERNEL));
        assert!(version("5.11.0").is_some_and(|version| version >= OLDEST_KERNEL));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn keys_that_are_not_shown_are_told_with_their_number() {
        let mut unshown = Unshown {
            listed: 10_000,
            is_whole: false,
            keys: 2,
            examples: vec!["d//x".into(), "e\u{1b}//".into()],
        };
        assert_eq!(
            told(&unshown),
            "2 of the first 10000 keys are not shown in a mount, since no file can have their names: \
             \"d//x\", \"e\\u{1b}//\""
        );
        unshown.is_whole = true;
        assert!(told(&unshown).starts_with("2 of 10000 keys are"));
    }

    #[test]
    fn a_check_is_a_line() {
        assert_eq!(Check::new("x", None).to_string(), "ok    x");
        let other = Check {
            note: Some("done otherwise".into()),
            ..Check::new("x", None)
        };
        assert_eq!(other.to_string(), "note  x: done otherwise");
        let bad = Check::new("x", Some("broken; mend it".into()));
        assert_eq!(bad.to_string(), "FAIL  x: broken; mend it");
    }
}
