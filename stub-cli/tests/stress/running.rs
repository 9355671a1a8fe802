//! Program of a round, and the job beside it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use s3_local::Server;
use stub_test_support::{keys, with_default_signals};

use crate::job;
use crate::left::ROUND;
use crate::plan::{End, Plan, Runner};

/// Folder of the bucket that the job writes into. A job that continues after the bucket was unmounted
/// does not find it in the folder below.
pub(crate) const WORK: &str = "work";

/// Paths of a round.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) scratch: tempfile::TempDir,
    /// Mount point of the bucket.
    pub(crate) mount: PathBuf,
}

impl Places {
    pub(crate) fn new(plan: &Plan) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        for folder in ["tmp", "state", "mount"] {
            fs::create_dir(scratch.path().join(folder)).unwrap();
        }
        let mount = match plan.runner {
            // A mount point that does not exist on the host.
            Runner::Run => PathBuf::from("/stub-stress"),
            Runner::Mount => scratch.path().join("mount"),
        };
        Self { scratch, mount }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Returns everything printed to standard error.
    pub(crate) fn said(&self) -> String {
        let bytes = fs::read(self.at("stderr")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Exit statuses of a round's programs.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Status of `stub run` or `stub mount`.
    pub(crate) status: ExitStatus,
    /// Status of a job beside `stub mount`.
    pub(crate) job: Option<ExitStatus>,
}

fn common(program: &Path, plan: &Plan, places: &Places) -> Command {
    let mut command = with_default_signals(program);
    let errors = File::options()
        .append(true)
        .create(true)
        .open(places.at("stderr"));
    command
        .env(ROUND, plan.seed.to_string())
        .env(job::FOLDER, places.mount.join(WORK))
        .env(job::JOURNAL, places.at("journal"))
        .env(job::WORK, format!("{} {}", plan.seed, plan.operations))
        .env("TMPDIR", places.at("tmp"))
        .env("XDG_STATE_HOME", places.at("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors.unwrap());
    command
}

fn stub(plan: &Plan, places: &Places, server: &Server) -> Command {
    let subcommand = match plan.runner {
        Runner::Run => "run",
        Runner::Mount => "mount",
    };
    let mut command = common(Path::new(env!("CARGO_BIN_EXE_stub")), plan, places);
    let endpoint = server.endpoint_url();
    command
        .args([
            subcommand,
            "--endpoint-url",
            &endpoint,
            "--force-path-style",
        ])
        .envs(keys(server));
    command
}

/// Arguments that make this program the job.
const JOB: [&str; 4] = ["--exact", "job", "--ignored", "--nocapture"];

/// Runs the programs of a round to their end. Returns `None` if they don't end in time.
pub(crate) fn run(plan: &Plan, places: &Places, server: &Server, grace: Duration) -> Option<Ended> {
    let deadline = Instant::now() + plan.limit() + grace;
    match plan.runner {
        Runner::Run => {
            let mut command = stub(plan, places, server);
            command
                .args(["--timeout", &plan.limit().as_secs().to_string()])
                .args(["--volume", "/stub-stress=s3://data", "--"])
                .arg(std::env::current_exe().unwrap())
                .args(JOB);
            let mut child = command.spawn().unwrap();
            disturb(plan.end, &mut child);
            let status = ended(&mut child, deadline)?;
            Some(Ended { status, job: None })
        }
        Runner::Mount => {
            let mut command = stub(plan, places, server);
            command.arg("data").arg(&places.mount);
            let mut mounted = command.spawn().unwrap();
            wait_for_mount(&places.mount, &mut mounted, deadline);
            let mut job = common(&std::env::current_exe().unwrap(), plan, places);
            let mut job = job.args(JOB).spawn().unwrap();
            let (status, job) = if plan.end == End::Done {
                let job_ended = ended(&mut job, deadline);
                signal(&mounted, Signal::SIGTERM);
                (ended(&mut mounted, deadline), job_ended)
            } else {
                disturb(plan.end, &mut mounted);
                (ended(&mut mounted, deadline), ended(&mut job, deadline))
            };
            Some(Ended {
                status: status?,
                job: Some(job?),
            })
        }
    }
}

/// Ends a program as planned: by a signal or a kill.
fn disturb(end: End, child: &mut Child) {
    match end {
        End::Done | End::Timeout(_) => {}
        End::Signal(which, after) => {
            thread::sleep(after);
            signal(child, which);
        }
        End::Kill(after) => {
            thread::sleep(after);
            signal(child, Signal::SIGKILL);
        }
        End::KillChild(after) => {
            thread::sleep(after);
            let pid = child.id();
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            let first = children.unwrap_or_default();
            if let Some(first) = first.split_whitespace().next() {
                // It may have ended by now.
                let _ = kill(Pid::from_raw(first.parse().unwrap()), Signal::SIGKILL);
            }
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    // The child is a zombie at worst, as nobody has waited for it.
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

/// Waits for a mount, or for the end of the program that is mounting it.
fn wait_for_mount(folder: &Path, mounting: &mut Child, deadline: Instant) {
    let line = format!(" {} ", folder.display());
    let is_there = || {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        table.contains(&line)
    };
    while Instant::now() < deadline && !is_there() && mounting.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits for a process. Kills it and returns `None` if it has not ended by the deadline.
fn ended(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => break,
        }
    }
    let _: io::Result<()> = child.kill();
    let _ = child.wait();
    None
}
