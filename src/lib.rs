//! S3 buckets are folders while an annotated function runs.
//!
//! ```no_run
//! use std::process::Command;
//! use stub::{CloudBucketMount, Secret};
//!
//! fn credentials() -> Secret {
//!     Secret::from_dict([("AWS_ACCESS_KEY_ID", "..."), ("AWS_SECRET_ACCESS_KEY", "...")])
//! }
//!
//! #[stub::function(volumes = <"/my-mount" => CloudBucketMount::new("s3-bucket-name").secret(credentials())>)]
//! fn f() -> std::io::Result<()> {
//!     Command::new("ls").arg("/my-mount").status()?;
//!     Ok(())
//! }
//!
//! fn main() -> stub::Result<()> {
//!     f()?; // in a sandbox; `Ok` means that everything written is in the bucket
//!     Ok(())
//! }
//! ```
//!
//! A call of `f()` starts three processes of the same program:
//!
//! - The supervisor holds the credentials and serves the bucket. It stays outside of the mount
//!   namespace of the job.
//! - Init is process 1 of the sandbox. It mounts the bucket in a mount namespace of its own, and ends
//!   every process of the job.
//! - The worker runs the body in the sandbox. It sees the folder, but no key: none is in an
//!   environment, file or descriptor that it has.
//!
//! The caller waits for the outcome. The kernel keeps the job of an ordinary user away from the
//! memory of supervisor and caller, so the job can't reach the keys. A job of root can read any
//! memory: `docs/sandbox.md` in the repository describes the protection of each level.
//!
//! The mount is invisible to the rest of the machine. A call needs no installation and no root, and
//! leaves nothing behind.
//!
//! # Read and write
//!
//! The body reads and writes a volume with `std::fs`, or with any program that it starts. A call
//! returns `Ok` when the body has returned and everything written is stored. Otherwise
//! [`ErrorKind::NotStored`] names the objects and the reasons.
//!
//! ```no_run
//! use std::{fs, io};
//! use stub::CloudBucketMount;
//!
//! #[stub::function(volumes = <
//!     "/in" => CloudBucketMount::new("measurements").key_prefix("2024/").read_only(true),
//!     "/out" => CloudBucketMount::new("reports"),
//! >)]
//! fn report() -> io::Result<usize> {
//!     let files = fs::read_dir("/in")?.count();
//!     fs::write("/out/summary.txt", format!("{files} files\n"))?;
//!     Ok(files)
//! }
//! # fn main() -> stub::Result<()> {
//! println!("{} files", report()?);
//! # Ok(())
//! # }
//! ```
//!
//! # Arguments and values
//!
//! Arguments and values cross between processes. They are owned types that implement serde's
//! `Serialize` and `Deserialize`. A gigabyte of `String` or `Vec<u8>` is fine. For a function that
//! returns a `Result` (std's, under any alias of that name: `io::Result`, `anyhow::Result`), the
//! call returns the value of its `Ok`. Its error arrives as [`ErrorKind::Failed`], with the messages of
//! its sources.
//!
//! ```no_run
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Words {
//!     total: usize,
//!     longest: Option<String>,
//! }
//!
//! #[stub::function]
//! fn words(text: String) -> Words {
//!     let longest = text.split_whitespace().max_by_key(|word| word.len());
//!     Words { total: text.split_whitespace().count(), longest: longest.map(str::to_owned) }
//! }
//!
//! # fn main() -> stub::Result<()> {
//! let words = words("to be or not to be".to_owned())?;
//! assert_eq!(words.total, 6);
//! # Ok(())
//! # }
//! ```
//!
//! An `async fn` is called with `.await`, from any runtime; its body runs on a runtime of its own.
//!
//! # Credentials
//!
//! A volume without a [`Secret`] uses the standard AWS chain: environment, profile files, SSO,
//! container and instance roles. The body never sees the credentials of its volumes. Its environment
//! lacks `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and the other variables
//! by which credentials are found. Secrets for the body itself are set with `secrets`:
//!
//! ```no_run
//! use std::env;
//! use stub::Secret;
//!
//! #[stub::function(secrets = [Secret::from_env(["API_TOKEN"])])]
//! fn authorised() -> bool {
//!     env::var("API_TOKEN").is_ok()
//! }
//! # fn main() { let _ = authorised(); }
//! ```
//!
//! # Timeout
//!
//! ```no_run
//! use std::time::Duration;
//! use stub::ErrorKind;
//!
//! #[stub::function(timeout = Duration::from_secs(60))]
//! fn patient() {
//!     std::thread::sleep(Duration::from_secs(3600));
//! }
//!
//! # fn main() {
//! match patient().map_err(|error| error.kind) {
//!     Err(ErrorKind::TimedOut { after }) => println!("killed after {after:?}"),
//!     other => println!("{other:?}"),
//! }
//! # }
//! ```
//!
//! # Many inputs
//!
//! The macro also defines a struct named `f`, with other ways to run the function. `f::map` runs it
//! for each input, several at once. It reuses the sandboxes, so an input costs microseconds. Values
//! come in the order of the inputs. Inputs are taken from their iterator as they are needed:
//!
//! ```no_run
//! #[stub::function(retries = 3, max_containers = 8)]
//! fn size(key: String) -> std::io::Result<u64> {
//!     Ok(std::fs::metadata(key)?.len())
//! }
//!
//! # fn main() -> stub::Result<()> {
//! let keys = (0..1_000_000).map(|n| format!("/data/{n}"));
//! for size in size::map(keys) {
//!     println!("{}", size?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! An item is the value of one input, or its [`Error`]. If a worker dies, only its input fails; a
//! new worker continues. The value of an input arrives when everything that its body wrote is
//! stored.
//!
//! | | |
//! |---|---|
//! | `f(…)`, `f::remote(…)` | runs the function, and waits |
//! | `f(…)` of a function that returns `impl Iterator<Item = T>` | [`Values`]: an iterator of values, while the body runs |
//! | `f(…)` of one that returns `impl Stream<Item = T>`, and of an `async fn` that returns either | [`Stream`]: the same for async callers |
//! | `f::local(…)` | runs the body in this process, without a sandbox or volumes, such as in a unit test |
//! | `f::map(inputs)` | a [`Map`]: an iterator of values; of an `async fn`, a [`Stream`] |
//! | `f::starmap(inputs)` | the same; an input is always a tuple of the arguments |
//! | `f::for_each(inputs)` | the same without values; the first error ends it |
//! | `f::spawn(…)` | a [`Call`] that runs beside its caller, and can be waited for and cancelled |
//! | `f::spawn_map(inputs)` | the same of a map, with all its values |
//!
//! # Observability
//!
//! Environment variables select the output:
//!
//! - `STUB_SUMMARY` prints a line to standard error at the end of each call: duration, number of
//!   sandboxes, and the bytes, requests by kind and list price of its buckets.
//! - `STUB_REPORT` names a file for a report on all calls of the program: inputs, retries,
//!   throughput and requests over time.
//! - `STUB_PROGRESS` shows progress bars on the terminal, with the feature `progress`.
//! - `STUB_LOG` is a filter such as `info` or `s3fs_core=debug` for the supervisors' log; each line
//!   names its call.
//!
//! The output of a call goes to this program's own streams. Lines of concurrent workers of a map
//! begin with the number of their input. [`Call::logs`] returns the output of a spawned call, too.
//!
//! The spans `call` and `sandbox` of the crate `tracing` go to this program's subscriber. With the
//! feature `opentelemetry`, the spans of all processes of a call form one trace. With the feature
//! `metrics`, metrics go to the recorder of the crate `metrics`. The [`guide`] lists them, and leads
//! from the first call to production.
//!
//! # Command line
//!
//! `fn main() -> ExitCode { stub::cli() }` gives a program a command line of its functions, with
//! the feature `cli`: see [`cli`]. `stub.toml`, in the working folder or above it, contains named secrets
//! ([`Secret::from_name`]), defaults of buckets, and jobs, which the program `stub` runs.
//!
//! # Features
//!
//! None is on by default: `cli`, `schedule`, `progress`, `metrics`, `cluster`, `kubernetes`,
//! `opentelemetry`. The [`guide`] has a table of their contents, and the number of crates that each
//! adds.

#![cfg_attr(docsrs, feature(doc_cfg))]

/// Runs a function in a sandbox in which buckets are folders.
///
/// ```no_run
/// # use stub::{CloudBucketMount, Secret};
/// # use std::time::Duration;
/// #[stub::function(
///     volumes = <"/data" => CloudBucketMount::new("my-bucket")>,
///     secrets = [Secret::from_env(["API_TOKEN"])],
///     timeout = Duration::from_secs(3600),
/// )]
/// fn f(name: String) -> std::io::Result<u64> {
///     Ok(std::fs::metadata(format!("/data/{name}"))?.len())
/// }
/// # fn main() {}
/// ```
///
/// | option | value | meaning |
/// |---|---|---|
/// | `volumes` | `<"/path" => expr, …>` or `{ "/path" => expr, … }` | each [`CloudBucketMount`] is the folder `/path` while the function runs; the folder need not exist |
/// | `secrets` | `[expr, …]` | each [`Secret`] (or `Result` of one) becomes environment variables of the function |
/// | `env` | `<"NAME" => expr, …>` or `{ "NAME" => expr, … }` | variables that are no secrets |
/// | `timeout` | `expr` | a `Duration` (or an `Option` of one) after which an attempt is killed; storing what it has written is not counted |
/// | `retries` | `expr` | maximum number of retries of a failed call: a number (a second apart) or [`Retries`] |
/// | `max_containers` | `expr` | maximum number of concurrent sandboxes of a map; the number of cores unless set |
/// | `max_inputs` | `expr` | number of inputs after which a worker is replaced; unlimited unless set |
/// | `cpu` | `expr` | maximum number of processors of a sandbox, such as `2.0` |
/// | `memory` | `expr` | maximum memory of a sandbox, in MiB |
/// | `lenient_limits` | `expr` | `true`: limits that can't be enforced here cause a warning instead of an error |
/// | `schedule` | `expr` | [`Cron`] or [`Period`]: when `serve` of [`cli`] runs a function without arguments; needs the feature `schedule` |
/// | `name` | a string literal | name on command lines and in messages; the identifier unless set. Unique within a module |
/// | `workdir` | `expr` | the working folder of the body, which may lie in a volume; the caller's unless set |
/// | `network` | `expr` | `false` gives the body a network of its own, with nothing but localhost; its volumes need none |
/// | `isolate` | `expr` | `true` hides the host's sockets and temporary files, and credentials in the user's home |
/// | `crate` | a path | path of this crate, if it was renamed |
///
/// The caller evaluates the expressions at each call; they may be any Rust. A function without
/// options is written `#[stub::function]`.
///
/// # What a call does
///
/// The function `f(…) -> T` becomes `f(…) -> stub::Result<T>`, and `f(…) -> Result<T, E>` becomes
/// `f(…) -> stub::Result<T>` as well. The last segment of the return type decides:
/// `io::Result<T>` and `anyhow::Result<T>` are results, and an alias of another name is a value.
/// `impl Iterator<Item = T>` becomes [`Values<T>`](Values), and `impl Stream<Item = T>` (of the
/// crate `futures`) becomes [`Stream<T>`](Stream), whose items are results. `E` implements
/// `std::error::Error` or `Display`. Panics, signals, `process::exit` and the timeout are errors of
/// the call: see [`Error`].
///
/// # Limits
///
/// A control group (cgroup v2) of the sandbox enforces `cpu` and `memory`, if the user may create
/// one below their own. A sandbox that exceeds its memory is then killed ([`ErrorKind::Killed`]).
/// Elsewhere, `memory` limits each process of the sandbox (`RLIMIT_DATA`): further allocations fail,
/// and most programs abort. `cpu` then is a number of whole processors. `STUB_LOG=info` shows the
/// mechanism in use. `timeout` is always enforced.
///
/// # What can be annotated
///
/// The macro accepts free functions, `async` or not, in modules, libraries, tests and other
/// functions. They have at most 16 owned arguments, patterns included. Methods and generic, `const`,
/// `unsafe` or `extern` functions are not accepted. Every mistake is a compile error at its own
/// token.
///
/// `#![forbid(unsafe_code)]` holds in a crate that uses it.
pub use stub_macros::function;

#[cfg(feature = "kubernetes")]
#[cfg_attr(docsrs, doc(cfg(feature = "kubernetes")))]
pub use stub_runtime::Kubernetes;
#[cfg(feature = "cli")]
#[cfg_attr(docsrs, doc(cfg(feature = "cli")))]
pub use stub_runtime::cli::cli;
pub use stub_runtime::{
    Attempt, Call, CloudBucketMount, Error, ErrorKind, IntoSecret, Map, MetadataTtl, PathError,
    Result, Retries, SandboxStep, Secret, SecretError, Stream, TagError, Values, VolumeError,
    VolumePath,
};
#[cfg(feature = "schedule")]
#[cfg_attr(docsrs, doc(cfg(feature = "schedule")))]
pub use stub_runtime::{Cron, Period, Schedule, ScheduleError};
#[cfg(feature = "cluster")]
#[cfg_attr(docsrs, doc(cfg(feature = "cluster")))]
pub use stub_runtime::{Engine, Slurm};

// Its examples are tested where they compile.
#[cfg(any(not(doctest), feature = "cli"))]
#[doc = include_str!("../docs/guide.md")]
pub mod guide {}

#[doc(hidden)]
pub use stub_runtime::__private;

/// Program of the edition tests, in every edition.
#[cfg(doctest)]
#[doc = concat!("```edition2018\n", include_str!("../tests/ui/pass/editions.rs"), "\n```")]
#[doc = concat!("```edition2021\n", include_str!("../tests/ui/pass/editions.rs"), "\n```")]
#[doc = concat!("```edition2024\n", include_str!("../tests/ui/pass/editions.rs"), "\n```")]
struct Editions;

/// Examples of the readme.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Example of the page about clusters.
#[cfg(all(doctest, feature = "cluster"))]
#[doc = include_str!("../docs/scale.md")]
struct Scale;
