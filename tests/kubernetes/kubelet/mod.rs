//! Node: pods are processes in their own mount and process namespaces. `volumes` sets up their volumes,
//! `status` reports their state.

mod status;
mod volumes;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Objects, deletion, now, phase, text};
use crate::expand::expand;
use crate::jobs::OF_JOB;
use status::{contain, end, meet, wait};
use volumes::setup;

pub(crate) use volumes::base64;

/// Images that nodes can pull; the second one lacks the program.
pub(crate) const IMAGE: &str = "registry.test/tasks:1";
pub(crate) const BARE_IMAGE: &str = "registry.test/bare:1";

/// Pod with a running process.
#[derive(Debug)]
struct Running {
    child: Child,
    output: PathBuf,
    began: Instant,
    is_told: bool,
}

/// Node with its pods.
#[derive(Debug)]
pub(crate) struct Kubelet {
    folder: PathBuf,
    variables: Vec<(String, String)>,
    running: BTreeMap<String, Running>,
}

impl Kubelet {
    pub(crate) fn new(folder: PathBuf, variables: Vec<(String, String)>) -> Self {
        Self {
            folder,
            variables,
            running: BTreeMap::new(),
        }
    }

    /// Starts, signals and removes pods as their objects require.
    pub(crate) fn sync(&mut self, cluster: &Cluster, objects: &mut Objects) {
        let names: Vec<String> = objects.pods.keys().cloned().collect();
        for name in names {
            let mut pod = objects.pods[&name].clone();
            // Its Job's controller lets it go when it has counted it, or is not there any more.
            let job = pod["metadata"]["labels"][OF_JOB].as_str().unwrap();
            let is_let_go = !objects.jobs.contains_key(job)
                || objects
                    .counted
                    .contains(pod["metadata"]["uid"].as_str().unwrap());
            let is_gone = match phase(&pod) {
                "Pending" if deletion(&pod).is_some() => true,
                "Pending" => {
                    self.begin(&name, &mut pod, &objects.secrets);
                    false
                }
                "Running" => {
                    self.watch(cluster, &name, &mut pod);
                    false
                }
                _ => deletion(&pod).is_some() && is_let_go,
            };
            if is_gone {
                objects.pods.remove(&name);
            } else {
                objects.pods.insert(name, pod);
            }
        }
    }

    fn begin(&mut self, name: &str, pod: &mut Value, secrets: &BTreeMap<String, Value>) {
        let image = pod["spec"]["containers"][0]["image"].as_str().unwrap();
        let is_valid =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/.:-_@".contains(c);
        if !image.chars().all(is_valid) {
            return wait(pod, "InvalidImageName", &now());
        }
        if ![IMAGE, BARE_IMAGE].contains(&image) {
            // As if it had been tried for long.
            let since = Timestamp::now() - SignedDuration::from_mins(5);
            return wait(pod, "ErrImagePull", &text(since));
        }
        let hides_program = image == BARE_IMAGE;
        let folder = self.folder.join(name);
        let Some(setup) = setup(&folder, pod, secrets, hides_program) else {
            return wait(pod, "ContainerCreating", &now());
        };
        let output = folder.join("log");
        let log = File::create(&output).unwrap();
        let mut command = self.command(&setup, pod);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let state = json!({ "running": { "startedAt": now() } });
        pod["status"] = json!({ "phase": "Running", "startTime": now() });
        contain(pod, &state);
        self.running.insert(
            name.to_owned(),
            Running {
                child,
                output,
                began: Instant::now(),
                is_told: false,
            },
        );
    }

    fn command(&self, setup: &str, pod: &Value) -> Command {
        let container = &pod["spec"]["containers"][0];
        let given = container["env"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let given = given.map(|one| (text(&one["name"]), text(&one["value"])));
        let variables: BTreeMap<_, _> = self.variables.iter().cloned().chain(given).collect();
        let words = container["command"].as_array().unwrap();
        let words = words
            .iter()
            .map(|word| expand(word.as_str().unwrap(), |name| variables.get(name).cloned()));
        let mut command = Command::new("setsid");
        command
            // Nothing is left of a test that is killed.
            .args(["setpriv", "--pdeathsig", "KILL"])
            .args(["unshare", "--mount", "--pid", "--fork", "--kill-child"])
            .args(["--propagation=private", "--mount-proc", "sh", "-ec"])
            .args([&format!("{setup}\ncd /\nexec \"$@\""), "sh"])
            .args(words)
            .env_clear()
            .envs(&variables);
        command
    }

    fn watch(&mut self, cluster: &Cluster, name: &str, pod: &mut Value) {
        let running = self.running.get_mut(name).unwrap();
        if let Some(accident) = cluster.take_accident(name) {
            running.kill();
            self.running.remove(name);
            return meet(pod, accident);
        }
        let limit = pod["spec"]["activeDeadlineSeconds"].as_u64();
        if limit.is_some_and(|limit| running.began.elapsed().as_secs() >= limit) {
            running.kill();
            self.running.remove(name);
            pod["status"]["phase"] = json!("Failed");
            pod["status"]["reason"] = json!("DeadlineExceeded");
            return;
        }
        if let Some(until) = deletion(pod) {
            if !running.is_told {
                running.is_told = true;
                running.signal(Signal::SIGTERM);
                cluster
                    .signals
                    .lock()
                    .unwrap()
                    .push((name.to_owned(), "TERM"));
            }
            if Timestamp::now() > until && running.child.try_wait().unwrap().is_none() {
                running.kill();
                cluster
                    .signals
                    .lock()
                    .unwrap()
                    .push((name.to_owned(), "KILL"));
            }
        }
        if let Some(status) = running.child.try_wait().unwrap() {
            let said = fs::read_to_string(&running.output).unwrap_or_default();
            self.running.remove(name);
            end(pod, status, &said);
        }
    }

    /// Kills all pods.
    pub(crate) fn end(&mut self) {
        for running in self.running.values_mut() {
            running.kill();
        }
        self.running.clear();
    }
}

impl Running {
    /// Sends a signal to the first process of the container.
    fn signal(&self, signal: Signal) {
        let pid = self.child.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            let _ = kill(Pid::from_raw(child.parse().unwrap()), signal);
        }
    }

    fn kill(&mut self) {
        // With it, the kernel kills all others of its namespace.
        self.signal(Signal::SIGKILL);
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}
