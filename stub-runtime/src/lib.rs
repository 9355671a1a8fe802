//! Calls, sandboxes, supervisors and workers behind `#[stub::function]`.
//!
//! One call is four processes. The *caller* (the user's program) starts a *supervisor*, which
//! serves the volumes. The supervisor has *init* build the sandbox, in which the *worker* runs the
//! body. All four are the same executable. So is the *sweeper*: the caller starts it if the
//! supervisor was killed, to abort the uploads that it left unfinished.

#![cfg_attr(
    not(all(feature = "cli", feature = "cluster", feature = "schedule")),
    allow(
        dead_code,
        unused_imports,
        reason = "what only the rooms of a feature use stays in its own room without it"
    )
)]

mod api;
pub mod call;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(not(feature = "cluster"))]
#[path = "no_cluster.rs"]
mod cluster;
mod codec;
pub mod declare;
pub mod engines;
mod entry;
mod host;
pub mod local;
pub mod observe;
mod protocol;
mod sys;

pub use api::{Call, Map, Stream, Values};
pub use call::{Attempt, Error, ErrorKind, Message, Result, SandboxStep};
#[cfg(feature = "cli")]
pub use cli::cli;
pub use declare::{
    CloudBucketMount, Engine, EngineName, IntoSecret, Kubernetes, MetadataTtl, PathError, Retries,
    Schedule, ScheduleError, Secret, SecretError, Slurm, TagError, VolumeError, VolumePath,
};
#[cfg(feature = "schedule")]
pub use declare::{Cron, Period};

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
