//! Calls, sandboxes, supervisors and workers behind `#[stub::function]`.
//!
//! One call is four processes. The *caller* (the user's program) starts a *supervisor*, which serves the volumes. The
//! supervisor has *init* build the sandbox, in which the *worker* runs the body. All four are the same executable. So
//! is the *sweeper*: the caller starts it if the supervisor was killed, to abort the uploads that it left unfinished.

mod api;
mod call;
mod cli;
mod cluster;
mod codec;
mod declare;
mod engines;
mod host;
mod local;
mod observe;
mod protocol;
mod sys;

pub use api::{Call, Map, Stream, Values};
pub use call::{Attempt, Error, Message, Result};
pub use cli::cli;
pub use declare::{
    CloudBucketMount, Cron, Engine, EngineName, IntoSecret, Kubernetes, PathError, Period, Retries,
    Schedule, ScheduleError, Secret, SecretError, Slurm, VolumeError, VolumePath,
};

/// Engine of calls: what they carry, their execution, and their outcome.
pub mod engine {
    pub use crate::call::Limits;
    pub use crate::call::{CallSpec, Volume, Work};
    pub use crate::call::{Ended, Outcome};
    pub use crate::cli::{Entry, serve};
    pub use crate::cli::{attach, exit_status, least_policy};
    pub use crate::declare::secret::environment;
    pub use crate::declare::settings::{
        Job, JobError, Settings, SettingsError, Size, Time, VolumeUrl,
    };
    pub use crate::engines::{
        Found, Manifest, cancel_found, choose, found_calls, manifest, run, run_async, run_command,
    };
    pub use crate::local::Canceller;
    pub use crate::local::{Check, doctor};
    pub use crate::local::{CtrlC, End, INTERRUPTED, ending_signals, until_interrupted};
    pub use crate::observe::{
        LogLines, Seeing, address, announce, end_log, not_run, say, start_log, want_history,
        write_history,
    };
    pub use s3fs_core::NotStored;
}

/// Items that the expansion of `#[stub::function]` names. Not public API.
#[doc(hidden)]
pub mod __private {
    pub use linkme;

    pub use crate::api::expansion::*;
    pub use crate::codec::{
        Argument, ByBox, BySyncBox, ByText, Codec, Codecs, Emit, Fallible, Given, InvokeError,
        Kind, ParseError, Payload, Value, argument, decode, emit_all, emit_stream, encode, parse,
        show, value,
    };
    pub use crate::declare::Options;
    pub use crate::declare::{FUNCTIONS, Function, Parameter};
}
