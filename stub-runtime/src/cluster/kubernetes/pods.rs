//! State of a pod, and the reason for its end.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{
    ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod, PodStatus,
};

use crate::cluster::scheduler::{EndKind, Fate};

/// Time after its deletion deadline within which a pod disappears if its node answers.
const LATE: SignedDuration = SignedDuration::from_secs(30);

/// Reasons for which a container waits that can't begin as it is. Some of them pass, such as a
/// registry that is away.
const STUCK: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RegistryUnavailable",
];

/// Reason that does not pass.
const STUCK_FOR_GOOD: &str = "InvalidImageName";

/// Reasons of pods that failed through no fault of their own.
const LOST: [&str; 8] = [
    "Evicted",
    "NodeLost",
    "NodeShutdown",
    "NodeAffinity",
    "Shutdown",
    "Terminated",
    "Preempting",
    "UnexpectedAdmissionError",
];

/// Maximum length of a container's message, in characters.
const LONGEST: usize = 600;

/// State of a pod.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Waiting,
    Running,
    /// The pod can't begin.
    Stuck(Stuck),
    Ended(Fate),
}

/// Reason for which a pod can't begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    pub(super) words: String,
    /// Time since the pod was started.
    pub(super) waits: SignedDuration,
    pub(super) for_good: bool,
}

/// Returns the state of a pod at this time.
pub(super) fn doing(pod: &Pod, now: Timestamp) -> Doing {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    match phase.unwrap_or("Pending") {
        "Succeeded" => Doing::Ended(Fate::new(EndKind::Completed, "Completed")),
        "Failed" => Doing::Ended(fate(pod)),
        _ if is_away(pod, now) => Doing::Ended(Fate::new(
            EndKind::Lost,
            "NodeLost: the node does not say that it has ended",
        )),
        "Pending" => stuck(pod, now).map_or(Doing::Waiting, Doing::Stuck),
        // Running, and Unknown, which may pass.
        _ => Doing::Running,
    }
}

/// Returns whether the pod's deletion deadline passed long ago.
fn is_away(pod: &Pod, now: Timestamp) -> bool {
    let until = pod.metadata.deletion_timestamp.as_ref();
    until.is_some_and(|until| now.duration_since(until.0) > LATE)
}

fn stuck(pod: &Pod, now: Timestamp) -> Option<Stuck> {
    let status = pod.status.as_ref()?;
    let waiting = container(status)?.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    let for_good = reason == STUCK_FOR_GOOD;
    if !for_good && !STUCK.contains(&reason) {
        return None;
    }
    let since = status.start_time.as_ref();
    Some(Stuck {
        words: advice(pod, waiting, reason),
        waits: since.map_or(SignedDuration::ZERO, |since| now.duration_since(since.0)),
        for_good,
    })
}

fn advice(pod: &Pod, waiting: &ContainerStateWaiting, reason: &str) -> String {
    let message = waiting.message.as_deref().unwrap_or_default();
    let said = match message {
        "" => reason.to_owned(),
        message => format!("{reason}: {}", one_line(message)),
    };
    let is_image = reason.contains("Image") || reason == "RegistryUnavailable";
    let help = if is_image {
        "look whether `image` of the engine's settings is right, and whether nodes may pull it (`image_pull_secret`)"
            .to_owned()
    } else {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        format!("`kubectl describe pod {name}` says more")
    };
    format!("a task's container can't begin: {said}; {help}")
}

fn container(status: &PodStatus) -> Option<&ContainerStatus> {
    status.container_statuses.as_ref()?.first()
}

/// Returns the exit reason of a pod that has failed.
fn fate(pod: &Pod) -> Fate {
    let Some(status) = &pod.status else {
        return Fate::new(EndKind::Unknown, "Failed");
    };
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let disrupted = conditions
        .iter()
        .find(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True");
    let reason = status.reason.as_deref().unwrap_or_default();
    let ended = container(status).and_then(|one| one.state.as_ref()?.terminated.as_ref());
    if let Some(condition) = disrupted {
        let why = condition.reason.as_deref().unwrap_or("DisruptionTarget");
        return Fate::new(EndKind::Lost, why);
    }
    if reason == "DeadlineExceeded" {
        return Fate::new(EndKind::TimedOut, reason);
    }
    // `OutOfcpu`, `OutOfmemory`…: the node had no room after all.
    if LOST.contains(&reason) || reason.starts_with("OutOf") {
        return Fate::new(EndKind::Lost, reason);
    }
    match ended {
        Some(ended) => of_container(ended),
        None if reason.is_empty() => Fate::new(EndKind::Unknown, "Failed"),
        None => Fate::new(EndKind::Died, reason),
    }
}

/// Returns the exit reason of the container itself.
fn of_container(ended: &ContainerStateTerminated) -> Fate {
    let reason = ended.reason.as_deref().unwrap_or("Error");
    let how = match reason {
        // The node has forgotten what became of it.
        "ContainerStatusUnknown" => EndKind::Lost,
        "OOMKilled" => EndKind::Died,
        // There is no `sh`, or what is to be mounted is not there.
        "StartError" | "ContainerCannotRun" => EndKind::Unfit,
        _ => EndKind::of_status(ended.exit_code),
    };
    let said = ended.message.as_deref().map(one_line).unwrap_or_default();
    let said = if said.is_empty() {
        said
    } else {
        format!(": {said}")
    };
    Fate::new(
        how,
        format!("{reason}, exit status {}{said}", ended.exit_code),
    )
}

/// Joins the lines of a message, and shortens it to its end, which has its conclusion.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join("; ");
    let skipped = line.chars().count().saturating_sub(LONGEST);
    line.chars().skip(skipped).collect()
}
