//! Names and values that come from, or go into, the environment: the one place that reads it.

mod credentials;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use credentials::{
    adopt, credentials, credentials_for_nodes, is_credential, is_key, kept_from_jobs,
};

/// Tells a process what it is, if it isn't the user's program. Removed before anything else runs.
pub(crate) const ROLE: &str = "STUB_PROCESS";

/// What the supervisor logs: a filter such as `debug` or `s3fs_core=trace`.
pub(crate) const LOG: &str = "STUB_LOG";

/// Asks for a line about what each call took, if it is set to anything.
const SUMMARY: &str = "STUB_SUMMARY";

/// The same, asked for by a command line.
static WANTS_SUMMARY: AtomicBool = AtomicBool::new(false);

/// Asks for bars on the terminal, if it is set to anything.
const PROGRESS: &str = "STUB_PROGRESS";

/// The same, asked for by a command line.
static WANTS_PROGRESS: AtomicBool = AtomicBool::new(false);

/// The name of a file for a report of all calls of a program.
const REPORT: &str = "STUB_REPORT";

/// What is logged if nothing is asked for. To `fuser`, an answer that a killed process no longer
/// waits for is an error.
pub(crate) const DEFAULT_LOG: &str = "error,fuser=off,s3fs_core=warn,stub_runtime=warn";

/// The name of the engine that calls are run on.
const ENGINE: &str = "STUB_ENGINE";

/// Variables of a node that are its own, by their names or, with a `_` at the end, by how those begin: what its scheduler says about a task, and
/// what is where. So are those that let a pod have credentials of its own, for the spool.
const OF_NODES: [&str; 14] = [
    "SLURM_",
    "SLURMD_",
    "KUBERNETES_",
    "JOB_COMPLETION_INDEX",
    "TMPDIR",
    "TMP",
    "TEMP",
    "HOSTNAME",
    "XDG_RUNTIME_DIR",
    "CUDA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "ZE_AFFINITY_MASK",
    "GPU_DEVICE_ORDINAL",
    "NVIDIA_",
];

/// Variables that name sockets and terminals of a session of the user, or folders for temporary files: an isolated
/// job has none of these.
const OF_SESSION: [&str; 25] = [
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "DISPLAY",
    "DOCKER_HOST",
    "EMACS_SOCKET_NAME",
    "GNOME_KEYRING_CONTROL",
    "GPG_AGENT_INFO",
    "GPG_TTY",
    "KITTY_LISTEN_ON",
    "NVIM",
    "PULSE_SERVER",
    "SSH_AGENT_PID",
    "SSH_AUTH_SOCK",
    "STY",
    "TEMP",
    "TMP",
    "TMPDIR",
    "TMUX",
    "TMUX_PANE",
    "TMUX_TMPDIR",
    "VSCODE_IPC_HOOK_CLI",
    "WAYLAND_DISPLAY",
    "WEZTERM_UNIX_SOCKET",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
];

/// Variables that name folders for temporary files and sockets.
const TEMPORARY: [&str; 5] = ["TEMP", "TMP", "TMPDIR", "TMUX_TMPDIR", "XDG_RUNTIME_DIR"];

/// What Slurm's commands need of the environment.
const FOR_SLURM: [&str; 10] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "SLURM_CONF",
    "SLURM_CLUSTERS",
    "LD_LIBRARY_PATH",
];

/// Variables that say what is to be seen of this program's own calls: not of those that a job makes in turn.
pub(crate) const SEEING: [&str; 2] = [PROGRESS, REPORT];

/// The role this process was started in, taken out of the environment.
pub(crate) fn take_role() -> Option<OsString> {
    let role = std::env::var_os(ROLE)?;
    crate::sys::remove_variable(ROLE);
    Some(role)
}

/// Returns the variables that an isolated job does not inherit.
pub(crate) fn of_session() -> Vec<String> {
    OF_SESSION.map(str::to_owned).to_vec()
}

/// Returns the folders for temporary files and sockets that the environment names.
pub(crate) fn temporary_folders() -> Vec<PathBuf> {
    let folders = TEMPORARY.iter().filter_map(std::env::var_os);
    folders
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .collect()
}

/// Returns the folders in which a shell of this user looks for programs.
pub(crate) fn program_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect()
}

/// The engine that is asked for.
pub(crate) fn engine() -> Option<String> {
    std::env::var(ENGINE).ok().filter(|name| !name.is_empty())
}

/// What this task's bodies call in turn is run on its node. Only before this process has a second thread.
pub(crate) fn stay_here() {
    crate::sys::set_variable(OsStr::new(ENGINE), OsStr::new("local"));
}

/// Whether a variable is a node's own, whatever a caller's environment says.
pub(crate) fn is_of_node(name: &OsStr) -> bool {
    OF_NODES.iter().any(|own| match own.strip_suffix('_') {
        Some(_) => credentials::begins(name, &[own]),
        None => name == *own,
    }) || credentials::begins(name, &credentials::OF_MACHINE)
}

/// What a node has of this process's environment: all that is neither a credential, nor about what is seen here.
pub(crate) fn for_nodes() -> Vec<(OsString, OsString)> {
    let is_left = |name: &OsStr| {
        let mut ours = SEEING.iter().chain([&ROLE, &SUMMARY, &ENGINE]);
        !ours.any(|one| name == *one) && !is_credential(name) && !is_of_node(name)
    };
    std::env::vars_os()
        .filter(|(name, _)| is_left(name))
        .collect()
}

/// What Slurm's commands have of this process's environment. They hand it on, and show it: nothing else.
pub(crate) fn for_slurm() -> Vec<(OsString, OsString)> {
    let is_needed = |name: &OsStr| {
        FOR_SLURM.iter().any(|one| name == *one) || name.as_encoded_bytes().starts_with(b"SBATCH_")
    };
    std::env::vars_os()
        .filter(|(name, _)| is_needed(name))
        .collect()
}

/// The log filter that was asked for.
pub(crate) fn log_filter() -> String {
    let asked = std::env::var(LOG).ok().filter(|text| !text.is_empty());
    asked.unwrap_or_else(|| DEFAULT_LOG.to_owned())
}

/// Asks for a line about what each call took.
pub(crate) fn want_summary() {
    WANTS_SUMMARY.store(true, Ordering::Relaxed);
}

/// Whether it is asked for.
pub(crate) fn wants_summary() -> bool {
    WANTS_SUMMARY.load(Ordering::Relaxed)
        || std::env::var_os(SUMMARY).is_some_and(|value| !value.is_empty())
}

/// Asks for bars on the terminal, if there is one.
pub(crate) fn want_progress() {
    WANTS_PROGRESS.store(true, Ordering::Relaxed);
}

/// Whether they are asked for.
pub(crate) fn wants_progress() -> bool {
    WANTS_PROGRESS.load(Ordering::Relaxed)
        || std::env::var_os(PROGRESS).is_some_and(|value| !value.is_empty())
}

/// The file for a report of all calls, if the environment asks for one.
pub(crate) fn report_page() -> Option<PathBuf> {
    let path = std::env::var_os(REPORT).filter(|path| !path.is_empty())?;
    // The program may go elsewhere.
    Some(std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(path)))
}

/// The variable that says in which span of another process this one was started ([OpenTelemetry]).
///
/// [OpenTelemetry]: https://opentelemetry.io/docs/specs/otel/context/env-carriers/
#[cfg(feature = "opentelemetry")]
pub(crate) const TRACE_PARENT: &str = "TRACEPARENT";

/// What it says, if it has the form.
#[cfg(feature = "opentelemetry")]
pub(crate) fn trace_parent() -> Option<String> {
    let parent = std::env::var(TRACE_PARENT).ok()?;
    let lengths: Vec<usize> = parent.split('-').map(str::len).collect();
    let is_hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    (lengths == [2, 32, 16, 2] && parent.chars().all(is_hex)).then_some(parent)
}

/// Whether spans are to be exported.
#[cfg(feature = "opentelemetry")]
pub(crate) fn exports_traces() -> bool {
    let endpoints = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ];
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    endpoints.into_iter().any(is_set)
        && std::env::var_os("OTEL_SDK_DISABLED").is_none_or(|value| value != "true")
}

/// Whether the environment says what exported spans are those of.
#[cfg(feature = "opentelemetry")]
pub(crate) fn names_service() -> bool {
    let attributes = std::env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    std::env::var_os("OTEL_SERVICE_NAME").is_some() || attributes.contains("service.name=")
}

/// The name of this program.
#[cfg(feature = "opentelemetry")]
pub(crate) fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The working folder of this process, or `/` if it has been removed.
pub(crate) fn working_folder() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}

/// Where bytes go that could not be stored: `stub/unsaved` among the user's state, by the XDG Base
/// Directory Specification. Nothing for a user without a home.
pub(crate) fn rescue_folder() -> Option<PathBuf> {
    Some(xdg("XDG_STATE_HOME", ".local/state")?.join("stub/unsaved"))
}

/// Where records of calls on clusters are that may be going on. Nothing for a user without a home.
pub(crate) fn calls_folder() -> Option<PathBuf> {
    Some(xdg("XDG_STATE_HOME", ".local/state")?.join("stub/calls"))
}

/// The user's home.
pub(crate) fn home() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("HOME")?);
    path.is_absolute().then_some(path)
}

/// Where records of what jobs did are kept. Nothing for a user without a home.
pub(crate) fn history_folder() -> Option<PathBuf> {
    Some(xdg("XDG_STATE_HOME", ".local/state")?.join("stub/runs"))
}

/// Where the user's own settings are, by the XDG Base Directory Specification. Nothing for a user without a
/// home.
pub(crate) fn settings_folder() -> Option<PathBuf> {
    Some(xdg("XDG_CONFIG_HOME", ".config")?.join("stub"))
}

/// The folder that a variable names, or else one in the user's home. A path that is not absolute is none, by
/// the specification.
fn xdg(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(in_home)))
}

/// Whether the name can be a variable's.
pub(crate) fn is_variable_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.is_empty() && !bytes.contains(&b'=') && !bytes.contains(&0)
}
