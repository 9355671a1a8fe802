//! The messages.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use s3fs_core::{MountConfig, NotStored, Pending, UnfinishedUpload, Usage};
use serde::{Deserialize, Serialize};

use crate::limits::OwnLimits;
use crate::outcome::{Ended, Outcome};
use crate::payload::Packed;
use crate::spec::CallSpec;
use crate::sys::WorkerEnd;

/// Caller to supervisor, once. Descriptors: the job's standard input, if `stdin`; its standard output and its
/// standard error, if `output`; the worker's end of the socket over which it is given inputs, if `worker`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) spec: CallSpec,
    /// The caller's own bucket credentials, kept out of the environment of every process that
    /// the job could look at.
    pub(crate) credentials: Vec<(OsString, OsString)>,
    pub(crate) stdin: bool,
    /// Else they are the caller's own.
    pub(crate) output: bool,
    pub(crate) worker: bool,
    pub(crate) trace: Trace,
}

/// What a supervisor's own spans belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trace {
    /// The id of the call.
    pub(crate) call: String,
    /// The number of its sandbox.
    pub(crate) sandbox: u64,
    /// Headers that name the caller's span to other processes ([W3C Trace Context]); none unless it is exported.
    ///
    /// [W3C Trace Context]: https://www.w3.org/TR/trace-context/
    pub(crate) context: BTreeMap<String, String>,
}

/// Caller to supervisor, later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ToSupervisor {
    /// Store all that has been written until now, and say what could not be.
    Store,
    /// End the work.
    Stop(Stop),
}

/// Why work is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stop {
    /// It took longer than it may.
    TimedOut { after: Duration },
    /// Nobody wants its value any more. It gets this signal, and has so much time to end by itself.
    Cancelled { grace: Duration, signal: i32 },
    /// Nobody waits any more, not even for what was written to be stored: it is named.
    Now,
}

/// Supervisor to caller.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromSupervisor {
    /// Which uploads are unfinished has changed: what the caller must know should the supervisor
    /// be killed.
    Upload(UploadNote),
    /// The work was started.
    Started,
    /// Now and then, as long as it changes, and just before the last message.
    Progress(Progress),
    /// The answer to each [`ToSupervisor::Store`] while the work goes on.
    Stored(Vec<NotStored>),
    /// The last message.
    Reply(Reply),
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// What was asked of the buckets until now.
    pub(crate) usage: Usage,
    /// What is written and not stored yet.
    pub(crate) pending: Pending,
    /// Whether the work has ended, and only storing what it has written goes on.
    pub(crate) is_storing: bool,
}

/// A multipart upload of a volume begins or ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadNote {
    /// The volume's index.
    pub(crate) volume: usize,
    pub(crate) upload: UnfinishedUpload,
    pub(crate) ended: bool,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The work was started and ended.
    Ended(Outcome),
    /// The work was not started.
    Refused(Failure),
}

/// Why the work was not started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Failure {
    /// A volume can't be mounted.
    Volume {
        path: PathBuf,
        bucket: String,
        reason: String,
    },
    /// The sandbox can't be built.
    Sandbox {
        step: String,
        reason: String,
        remedy: Option<String>,
    },
    /// The program can't be executed.
    NotStarted { program: OsString, errno: i32 },
    /// The two processes don't understand each other.
    Protocol { reason: String },
}

/// Supervisor to init.
#[derive(Serialize, Deserialize)]
pub(crate) enum ToInit {
    /// Build the sandbox up to its mount points.
    Prepare {
        points: Vec<MountPoint>,
        /// Whether the job has the machine's network.
        network: bool,
        /// What an isolated job doesn't see.
        hide: Option<Hide>,
    },
    /// Mount, in the order that was planned.
    Mount,
    /// Start the work. Descriptors: standard input, if `stdin`; standard output and error, if `output`; the
    /// worker's socket, for a function.
    Start(Job),
    /// Ask the work and everything it started to end, by this signal.
    Terminate { signal: i32 },
    /// Kill the work and everything it started.
    Kill,
    /// Undo the mounts and end.
    Unmount,
}

/// What an isolated job doesn't see, as far as this user's environment says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hide {
    /// Homes of the user.
    pub(crate) homes: Vec<PathBuf>,
    /// Folders for temporary files and sockets, beside those that each machine has.
    pub(crate) temporary: Vec<PathBuf>,
    /// Folders in which the user's shell looks for programs.
    pub(crate) programs: Vec<PathBuf>,
    /// The job's working folder, which it sees wherever that is.
    pub(crate) workdir: PathBuf,
}

/// Where something is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MountPoint {
    pub(crate) path: PathBuf,
    pub(crate) bucket: String,
    /// What `mount` and `df` show: `s3://bucket/prefix`.
    pub(crate) source: String,
    pub(crate) read_only: bool,
}

/// A folder in a volume at which another one is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InnerFolder {
    /// The index of the volume that has the folder.
    pub(crate) outer: usize,
    /// Below the volume's root.
    pub(crate) folder: String,
}

/// What init starts.
#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) program: Program,
    pub(crate) environment: BTreeMap<String, String>,
    /// Variables that it does not inherit.
    pub(crate) without: Vec<String>,
    pub(crate) workdir: PathBuf,
    pub(crate) stdin: bool,
    pub(crate) output: bool,
    pub(crate) limits: OwnLimits,
}

/// Which program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Program {
    /// This program again, as a worker for the function.
    Worker { function: Arc<str> },
    /// Any other.
    Command {
        program: OsString,
        arguments: Vec<OsString>,
    },
}

/// Init to supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromInit {
    /// The mount points exist, but for these folders, which the volumes themselves must show.
    Prepared { inner: Vec<InnerFolder> },
    /// The volume with this index is mounted. Descriptor: its `/dev/fuse`, not served yet.
    Mounted { volume: usize },
    /// The work was started.
    Started,
    /// The work ended, and whatever it had started is gone too.
    Ended(WorkerEnd),
    /// Nothing is mounted any more.
    Unmounted,
    /// A step failed; nothing more will come.
    Failed(Failure),
}

/// Caller to worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// Any number of times. Descriptor: the arguments, unless they are inside.
    Run(Input),
    /// What was printed for the input that ended is read: what is printed from now on is that of the next.
    GoOn,
}

/// What a worker runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Input {
    /// `module::name`.
    pub(crate) function: Arc<str>,
    pub(crate) arguments: Packed,
    /// The caller reads what is printed, and must know of which input it is.
    pub(crate) prints_apart: bool,
}

/// Worker to caller, about each input, in their order. Descriptor: the value, if there is one that is not
/// inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FromWorker {
    /// One of several values of a body that goes on.
    Emitted(Packed),
    /// The body ended. After a panic, nothing more is run in this process.
    Ended(Report),
}

/// How a body ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// As far as its process can tell.
    pub(crate) ended: Ended,
    /// If it returned.
    pub(crate) value: Option<Packed>,
    /// Something that was printed is not read yet: nothing goes on before it is ([`ToWorker::GoOn`]).
    pub(crate) has_printed: bool,
}

/// Caller to sweeper, once.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sweep {
    pub(crate) volumes: Vec<SweptVolume>,
    /// As in `Hello`.
    pub(crate) credentials: Vec<(OsString, OsString)>,
}

/// What a lost supervisor left unfinished in a bucket.
#[derive(Serialize, Deserialize)]
pub(crate) struct SweptVolume {
    pub(crate) mount: MountConfig,
    pub(crate) uploads: Vec<UnfinishedUpload>,
}

/// Sweeper to caller, once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Swept {
    /// Why uploads could not be aborted; empty if all are.
    pub(crate) failures: Vec<String>,
}
