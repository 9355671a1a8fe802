//! Objects of a cluster, and the thread that acts as its controllers and its node.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::api::Faults;
use crate::jobs::{self, Tally};
use crate::kubelet::Kubelet;

/// All objects of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) jobs: BTreeMap<String, Value>,
    pub(crate) pods: BTreeMap<String, Value>,
    pub(crate) secrets: BTreeMap<String, Value>,
    /// Results of the tasks, by Job.
    pub(crate) tallies: BTreeMap<String, Tally>,
    /// UIDs of pods that are counted in the tallies.
    pub(crate) counted: BTreeSet<String>,
    version: u64,
}

impl Objects {
    /// Sets the metadata that a server adds to a new object.
    pub(crate) fn register(&mut self, object: &mut Value) {
        self.version += 1;
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(format!("uid-{}", self.version));
        metadata["resourceVersion"] = json!(self.version.to_string());
        metadata["creationTimestamp"] = json!(now());
    }

    /// Schedules the end of a pod in at most this many seconds.
    pub(crate) fn end_pod(pod: &mut Value, seconds: i64) {
        let until = Timestamp::now() + SignedDuration::from_secs(seconds);
        if deletion(pod).is_none_or(|before| until < before) {
            pod["metadata"]["deletionTimestamp"] = json!(text(until));
            pod["metadata"]["deletionGracePeriodSeconds"] = json!(seconds);
        }
    }
}

/// Returns the current time in the format of the API.
pub(crate) fn now() -> String {
    text(Timestamp::now())
}

pub(crate) fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns the time by which an object is to be deleted.
pub(crate) fn deletion(object: &Value) -> Option<Timestamp> {
    object["metadata"]["deletionTimestamp"]
        .as_str()?
        .parse()
        .ok()
}

pub(crate) fn phase(pod: &Value) -> &str {
    pod["status"]["phase"].as_str().unwrap_or("Pending")
}

/// Accident of a running pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accident {
    /// Loss of its node.
    NodeLost,
    /// Use of more memory than its limit.
    OutOfMemory,
}

/// Cluster, with its objects and the record of its requests.
#[derive(Debug)]
pub(crate) struct Cluster {
    objects: Mutex<Objects>,
    pub(crate) faults: Faults,
    accidents: Mutex<Vec<(String, Accident)>>,
    /// Method, path and body of every request.
    pub(crate) requests: Mutex<Vec<(String, String, String)>>,
    /// Signals sent to pods, with the pods' names.
    pub(crate) signals: Mutex<Vec<(String, &'static str)>>,
    ends: AtomicBool,
}

impl Cluster {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            objects: Mutex::default(),
            faults: Faults::default(),
            accidents: Mutex::default(),
            requests: Mutex::default(),
            signals: Mutex::default(),
            ends: AtomicBool::new(false),
        })
    }

    pub(crate) fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Schedules an accident of a pod.
    pub(crate) fn accident(&self, pod: &str, accident: Accident) {
        self.accidents
            .lock()
            .unwrap()
            .push((pod.to_owned(), accident));
    }

    pub(crate) fn take_accident(&self, pod: &str) -> Option<Accident> {
        let mut accidents = self.accidents.lock().unwrap();
        let place = accidents.iter().position(|(name, _)| name == pod)?;
        Some(accidents.remove(place).1)
    }

    /// Starts the controllers and the node. `folder` is the node's own; its pods get `variables`.
    pub(crate) fn run(
        self: &Arc<Self>,
        folder: PathBuf,
        variables: Vec<(String, String)>,
    ) -> JoinHandle<()> {
        let cluster = Arc::clone(self);
        thread::spawn(move || {
            let mut kubelet = Kubelet::new(folder, variables);
            while !cluster.ends.load(Ordering::Acquire) {
                {
                    let mut objects = cluster.objects();
                    kubelet.sync(&cluster, &mut objects);
                    jobs::reconcile(&mut objects);
                }
                thread::sleep(Duration::from_millis(10));
            }
            kubelet.end();
        })
    }

    pub(crate) fn end(&self) {
        self.ends.store(true, Ordering::Release);
    }

    /// Returns the names of the pods in a phase.
    pub(crate) fn pods_in(&self, wanted: &str) -> Vec<String> {
        let objects = self.objects();
        let pods = objects.pods.iter().filter(|(_, pod)| phase(pod) == wanted);
        pods.map(|(name, _)| name.clone()).collect()
    }
}
