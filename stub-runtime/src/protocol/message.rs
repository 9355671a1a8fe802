//! Messages between the processes of a call.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use s3fs_core::{MountConfig, NotStored, Pending, UnfinishedUpload, Usage};
use serde::{Deserialize, Serialize};

use crate::call::{CallSpec, Ended, Outcome, OwnLimits, SandboxStep};
use crate::codec::Packed;
use crate::sys::WorkerEnd;

/// Caller to supervisor, once. Descriptors: the job's standard input, if `stdin`; its standard output and its
/// standard error, if `output`; the worker's end of the socket over which it is given inputs, if `worker`; the
/// end of a socket over which the caller is asked for keys, if `keys`.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says whether descriptors go along"
)]
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) spec: CallSpec,
    /// The caller's own bucket credentials. They are kept out of the environment of every process
    /// that the job could inspect.
    pub(crate) credentials: Vec<(OsString, OsString)>,
    pub(crate) stdin: bool,
    /// True if the job has output of its own; else it has the caller's.
    pub(crate) output: bool,
    pub(crate) worker: bool,
    /// True if functions of the caller return keys of volumes.
    pub(crate) keys: bool,
    pub(crate) trace: Trace,
}

/// Parent of a supervisor's own spans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trace {
    /// Id of the call.
    pub(crate) call: String,
    /// Number of its sandbox.
    pub(crate) sandbox: u64,
    /// Headers that name the caller's span to other processes ([W3C Trace Context]); none unless it
    /// is exported.
    ///
    /// [W3C Trace Context]: https://www.w3.org/TR/trace-context/
    pub(crate) context: BTreeMap<String, String>,
}

/// Message from caller to supervisor, after the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ToSupervisor {
    /// Store everything written until now, and report what could not be stored.
    Store,
    /// End the work.
    Stop(Stop),
}

/// Reason for ending the work from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stop {
    /// The work took longer than it may.
    TimedOut { after: Duration },
    /// The value is no longer wanted. The work gets this signal, and the grace period to end by itself.
    Cancelled { grace: Duration, signal: i32 },
    /// Nobody waits any more, not even for files to be stored: those that are not stored are named.
    Now,
}

/// Message from supervisor to caller.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromSupervisor {
    /// An upload has begun or ended: the caller must know unfinished uploads if the supervisor is killed.
    Upload(UploadNote),
    /// The work was started.
    Started,
    /// Progress of the call: at intervals while it changes, and just before the last message.
    Progress(Progress),
    /// Answer to each [`ToSupervisor::Store`] while the work goes on.
    Stored(StoreAnswer),
    /// Last message.
    Reply(Reply),
}

/// Account of what was written, while the work goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoreAnswer {
    /// Objects that could not be stored.
    pub(crate) lost: Vec<NotStored>,
    /// True if objects were changed since the answer before.
    pub(crate) has_written: bool,
}

/// Progress of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Requests and bytes of the buckets until now.
    pub(crate) usage: Usage,
    /// Files and bytes that are written and not stored yet.
    pub(crate) pending: Pending,
    /// True if the work has ended, and only its files are still being stored.
    pub(crate) is_storing: bool,
}

/// Begin or end of a multipart upload of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadNote {
    /// Index of the volume.
    pub(crate) volume: usize,
    pub(crate) upload: UnfinishedUpload,
    pub(crate) ended: bool,
}

/// End of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The work was started and has ended.
    Ended(Outcome),
    /// The work was not started.
    Refused(StartFailure),
}

/// Reason for which the work was not started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StartFailure {
    /// A volume can't be mounted.
    Volume {
        path: PathBuf,
        bucket: String,
        reason: String,
    },
    /// The sandbox can't be built.
    Sandbox {
        step: SandboxStep,
        reason: String,
        remedy: Option<String>,
    },
    /// The program can't be executed.
    NotStarted { program: OsString, errno: i32 },
    /// The two processes don't understand each other.
    Protocol { reason: String },
}

/// Message from supervisor to init.
#[derive(Serialize, Deserialize)]
pub(crate) enum ToInit {
    /// Build the sandbox up to its mount points.
    Prepare {
        points: Vec<MountPoint>,
        /// True if the job has the machine's network.
        network: bool,
        /// Folders to hide, if the job is isolated.
        hide: Option<Hide>,
    },
    /// Mount the volumes, in the planned order.
    Mount,
    /// Start the work. Descriptors: standard input, if `stdin`; standard output and error, if `output`; the
    /// worker's socket, for a function.
    Start(Job),
    /// Ask the work, and all processes that it started, to end by this signal.
    Terminate { signal: i32 },
    /// Kill the work and all processes that it started.
    Kill,
    /// Undo the mounts and end.
    Unmount,
}

/// Folders to hide from an isolated job, as far as this user's environment names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hide {
    /// Homes of the user.
    pub(crate) homes: Vec<PathBuf>,
    /// Folders for temporary files and sockets, beside those of every machine.
    pub(crate) temporary: Vec<PathBuf>,
    /// Folders in which the user's shell looks for programs.
    pub(crate) programs: Vec<PathBuf>,
    /// Working folder of the job, which the job sees wherever it is.
    pub(crate) workdir: PathBuf,
}

/// Mount point of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MountPoint {
    pub(crate) path: PathBuf,
    pub(crate) bucket: String,
    /// Source that `mount` and `df` show: `s3://bucket/prefix`.
    pub(crate) source: String,
    pub(crate) read_only: bool,
}

/// Folder in a volume at which another volume is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InnerFolder {
    /// Index of the volume that has the folder.
    pub(crate) outer: usize,
    /// Path below the volume's root.
    pub(crate) folder: String,
}

/// Work that init starts.
#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) program: Program,
    pub(crate) environment: BTreeMap<String, String>,
    /// Variables that the program does not inherit.
    pub(crate) without: Vec<String>,
    pub(crate) workdir: PathBuf,
    pub(crate) stdin: bool,
    pub(crate) output: bool,
    pub(crate) limits: OwnLimits,
}

/// Program to start.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Program {
    /// This program again, as a worker for the function.
    Worker { function: Arc<str> },
    /// Any other program.
    Command {
        program: OsString,
        arguments: Vec<OsString>,
    },
}

/// Message from init to supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromInit {
    /// The mount points exist, except these folders, which the volumes themselves must show.
    Prepared { inner: Vec<InnerFolder> },
    /// The volume with this index is mounted. Descriptor: its `/dev/fuse`, not served yet.
    Mounted { volume: usize },
    /// The work was started.
    Started,
    /// The work has ended, and all processes that it had started are gone.
    Ended(WorkerEnd),
    /// Nothing is mounted any more.
    Unmounted,
    /// A step failed; no more messages follow.
    Failed(StartFailure),
}

/// Message from caller to worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// Run an input; sent any number of times. Descriptor: the arguments, unless they are inside.
    Run(Input),
    /// Go on: the output of the input that ended was read, and later output belongs to the next one.
    GoOn,
}

/// Input that a worker runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Input {
    /// Function to call: `module::name`.
    pub(crate) function: Arc<str>,
    pub(crate) arguments: Packed,
    /// True if the caller reads the output, and must know the input that it belongs to.
    pub(crate) prints_apart: bool,
}

/// Message from worker to caller about an input, in the order of the inputs. Descriptor: the value,
/// if there is one that is not inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FromWorker {
    /// Value of a body that returns several and goes on.
    Emitted(Packed),
    /// The body has ended. After a panic, nothing more is run in this process.
    Ended(Report),
}

/// End of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// End of the body, as far as its process can tell.
    pub(crate) ended: Ended,
    /// Value, if the body returned one.
    pub(crate) value: Option<Packed>,
    /// True if output is not read yet: the worker then waits for [`ToWorker::GoOn`].
    pub(crate) has_printed: bool,
}

/// Message from caller to sweeper, sent once. Descriptor: the end of a socket over which the caller
/// is asked for keys, if functions of the caller return keys of volumes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sweep {
    pub(crate) volumes: Vec<SweptVolume>,
    /// Bucket credentials, as in `Hello`.
    pub(crate) credentials: Vec<(OsString, OsString)>,
}

/// Unfinished uploads that a lost supervisor left in a bucket.
#[derive(Serialize, Deserialize)]
pub(crate) struct SweptVolume {
    pub(crate) mount: MountConfig,
    pub(crate) uploads: Vec<UnfinishedUpload>,
}

/// Message from sweeper to caller, sent once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Swept {
    /// Reasons for which uploads could not be aborted; empty if all were.
    pub(crate) failures: Vec<String>,
}
