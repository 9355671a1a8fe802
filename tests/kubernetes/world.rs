//! Cluster with a bucket, for a test, which leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use s3_local::S3Local;
use serde_json::json;
use stub_test_support::{Patience, is_root};
use tempfile::TempDir;

use crate::api::{NAMESPACE, Server, TOKEN};
use crate::cluster::Cluster;
use crate::kubelet::IMAGE;

/// Buckets of the spool and of the functions.
pub(crate) const SPOOL: &str = "spool";
pub(crate) const DATA: &str = "data";

/// Prefix of calls in the spool's bucket.
const PREFIX: &str = "calls/";

/// Maximum time to wait for an expected event.
const PATIENCE: Duration = Duration::from_secs(90);

/// Cluster with a bucket.
pub(crate) struct World {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) s3: s3_local::Server,
    pub(crate) folder: TempDir,
    node: Option<JoinHandle<()>>,
    _api: Server,
    /// Turn of this test: two at once would slow each other down.
    _turn: MutexGuard<'static, ()>,
}

impl World {
    /// Starts a cluster; returns `None` for users other than root.
    pub(crate) fn start() -> Option<Self> {
        static TURN: Mutex<()> = Mutex::new(());
        if !is_root() {
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let s3 = S3Local::builder().start();
        s3.create_bucket(SPOOL);
        s3.create_bucket(DATA);
        let folder = tempfile::Builder::new()
            .prefix("stub-it-k8s")
            .tempdir()
            .unwrap();
        let cluster = Cluster::new();
        let api = Server::start(Arc::clone(&cluster));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "c", "cluster": { "server": format!("http://{}", api.address) } }],
            "users": [{ "name": "u", "user": { "token": TOKEN } }],
            "contexts": [{ "name": "test", "context": {
                "cluster": "c", "user": "u", "namespace": NAMESPACE,
            } }],
        });
        fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
        fs::create_dir(folder.path().join("stub")).unwrap();
        let node = cluster.run(folder.path().join("node"), variables(&s3, &folder));
        let world = Self {
            cluster,
            s3,
            folder,
            node: Some(node),
            _api: api,
            _turn: turn,
        };
        world.set(IMAGE, &format!("s3://{SPOOL}/{PREFIX}"));
        Some(world)
    }

    /// Writes the settings of callers.
    pub(crate) fn set(&self, image: &str, spool: &str) {
        let text = format!(
            "[buckets.\"*\"]\nendpoint_url = \"{}\"\nforce_path_style = true\n\
             [engine.kubernetes]\nimage = \"{image}\"\nspool = \"{spool}\"\nmax_tasks = 4\ntask_time = \"2s\"\n",
            self.s3.endpoint_url()
        );
        fs::write(self.folder.path().join("stub/stub.toml"), text).unwrap();
    }

    /// Returns a caller: a command that runs one of this program's ignored tests.
    pub(crate) fn act(&self, name: &str, argument: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let name = format!("acts::{name}");
        let folder = self.folder.path();
        command
            .args(["--ignored", "--exact", &name, "--nocapture"])
            .env("STUB_ENGINE", "kubernetes")
            .env("STUB_IT_ARGUMENT", argument)
            .env("KUBECONFIG", folder.join("kubeconfig"))
            .env("XDG_CONFIG_HOME", folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("AWS_ACCESS_KEY_ID", self.s3.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", self.s3.secret_access_key())
            .current_dir("/");
        command
    }

    /// Runs a caller; returns its messages, and panics if it fails.
    pub(crate) fn said(&self, name: &str, argument: &str) -> String {
        said(&self.act(name, argument).output().unwrap())
    }

    /// Returns the keys of objects in the spool, without the program.
    pub(crate) fn spool(&self) -> Vec<String> {
        let keys = self.s3.keys(SPOOL).into_iter();
        let program = format!("{PREFIX}programs/");
        keys.filter(|key| !key.starts_with(&program)).collect()
    }

    /// Returns the text of all requests, except for those on Secrets.
    pub(crate) fn sent(&self) -> String {
        let requests = self.cluster.requests.lock().unwrap();
        let open = requests
            .iter()
            .filter(|(_, path, _)| !path.contains("/secrets"));
        let lines = open.map(|(method, path, body)| format!("{method} {path} {body}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Checks that nothing of a call is left, in the cluster, the spool or the records.
    pub(crate) fn is_clean(&self) {
        let deadline = Instant::now() + PATIENCE;
        let left = || {
            let objects = self.cluster.objects();
            let all = [&objects.jobs, &objects.pods, &objects.secrets];
            let all = all.into_iter().flatten();
            all.map(|(name, object)| format!("{name}: {object}"))
                .collect::<Vec<_>>()
        };
        while !left().is_empty() {
            assert!(
                Instant::now() < deadline,
                "left in the cluster: {:?}",
                left()
            );
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(self.spool(), Vec::<String>::new());
        let records = fs::read_dir(self.folder.path().join("state/stub/calls"));
        let records = records.map_or(0, Iterator::count);
        assert_eq!(records, 0, "a record is left");
    }
}

/// Ends the cluster and its pods.
impl Drop for World {
    fn drop(&mut self) {
        self.cluster.end();
        let _ = self.node.take().map(JoinHandle::join);
    }
}

/// Returns the variables that the node gives to pods for their bucket.
fn variables(s3: &s3_local::Server, folder: &TempDir) -> Vec<(String, String)> {
    let home = folder.path().display().to_string();
    let mut variables = vec![
        ("PATH".to_owned(), std::env::var("PATH").unwrap()),
        ("HOME".to_owned(), home.clone()),
        ("XDG_STATE_HOME".to_owned(), format!("{home}/state")),
        ("KUBERNETES_SERVICE_HOST".to_owned(), "10.0.0.1".to_owned()),
        (
            "AWS_ACCESS_KEY_ID".to_owned(),
            s3.access_key_id().to_owned(),
        ),
        (
            "AWS_SECRET_ACCESS_KEY".to_owned(),
            s3.secret_access_key().to_owned(),
        ),
    ];
    for name in ["TMPDIR", "STUB_TEST_RUN"] {
        variables.extend(std::env::var(name).map(|value| (name.to_owned(), value)));
    }
    variables
}

/// Returns a caller's messages for its test; panics if it failed.
pub(crate) fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    let lines = text.lines().filter_map(|line| line.split_once("said: "));
    lines.map(|(_, said)| said).collect::<Vec<_>>().join("\n")
}

/// Running caller.
pub(crate) struct Caller {
    pub(crate) child: Child,
    lines: BufReader<ChildStdout>,
}

impl Caller {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Returns the caller's next message, or `None` if it has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.trim_end().split_once("said: ") {
                return Some(said.to_owned());
            }
            line.clear();
        }
        None
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `look` returns a value; panics after a time limit.
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    Patience::new(PATIENCE).eventually(what, look)
}
