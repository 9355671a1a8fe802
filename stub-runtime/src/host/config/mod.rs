//! Environment variables, read and named: no other module reads the environment.

mod credentials;
mod nodes;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use credentials::{adopt, credentials, is_credential, is_key, kept_from_jobs};
pub(crate) use nodes::{credentials_for_nodes, is_of_node};

/// Variable with the role of a process that isn't the user's program. Removed before anything else runs.
pub(crate) const ROLE: &str = "STUB_PROCESS";

/// Variable with the log filter of the supervisor, such as `debug` or `s3fs_core=trace`.
pub(crate) const LOG: &str = "STUB_LOG";

/// Variable that requests a summary line for each call, if it isn't empty.
const SUMMARY: &str = "STUB_SUMMARY";

/// Request for summary lines by a command line.
static WANTS_SUMMARY: AtomicBool = AtomicBool::new(false);

/// Variable that requests progress bars on the terminal, if it isn't empty.
const PROGRESS: &str = "STUB_PROGRESS";

/// Request for progress bars by a command line.
static WANTS_PROGRESS: AtomicBool = AtomicBool::new(false);

/// Variable with the path of a report of all calls of a program.
const REPORT: &str = "STUB_REPORT";

/// Default log filter. `fuser` would log an error for each answer that a killed process no longer waits for.
pub(crate) const DEFAULT_LOG: &str = "error,fuser=off,s3fs_core=warn,stub_runtime=warn";

/// Variable with the name of the engine that runs calls.
const ENGINE: &str = "STUB_ENGINE";

/// Variables that name sockets and terminals of a user's session, or folders for temporary files.
/// An isolated job has none of them.
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

/// Variables that Slurm's commands need.
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

/// Variables that request telemetry for this program's own calls, but not for those that a job makes in turn.
pub(crate) const SEEING: [&str; 2] = [PROGRESS, REPORT];

/// Takes the role of this process out of the environment.
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

/// Returns the region of the environment, as the AWS SDKs read it.
pub(crate) fn region() -> Option<String> {
    let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter();
    let mut values = variables.filter_map(|name| std::env::var(name).ok());
    values.find(|region| !region.is_empty())
}

/// Returns the engine that the environment requests.
pub(crate) fn engine() -> Option<String> {
    std::env::var(ENGINE).ok().filter(|name| !name.is_empty())
}

/// Makes calls by this task's bodies run on its node. Must be called before this process has a second thread.
pub(crate) fn stay_here() {
    crate::sys::set_variable(OsStr::new(ENGINE), OsStr::new("local"));
}

/// Returns the variables of this process for a node: all except credentials, and requests for telemetry here.
pub(crate) fn for_nodes() -> Vec<(OsString, OsString)> {
    let is_left = |name: &OsStr| {
        let mut ours = SEEING.iter().chain([&ROLE, &SUMMARY, &ENGINE]);
        !ours.any(|one| name == *one) && !is_credential(name) && !is_of_node(name)
    };
    std::env::vars_os()
        .filter(|(name, _)| is_left(name))
        .collect()
}

/// Returns the variables of this process for Slurm's commands. Only few, as Slurm hands them on and
/// shows them.
pub(crate) fn for_slurm() -> Vec<(OsString, OsString)> {
    let is_needed = |name: &OsStr| {
        FOR_SLURM.iter().any(|one| name == *one) || name.as_encoded_bytes().starts_with(b"SBATCH_")
    };
    std::env::vars_os()
        .filter(|(name, _)| is_needed(name))
        .collect()
}

/// Returns the log filter.
pub(crate) fn log_filter() -> String {
    let asked = std::env::var(LOG).ok().filter(|text| !text.is_empty());
    asked.unwrap_or_else(|| DEFAULT_LOG.to_owned())
}

/// Requests a summary line for each call.
pub(crate) fn want_summary() {
    WANTS_SUMMARY.store(true, Ordering::Relaxed);
}

/// Returns whether summary lines are requested.
pub(crate) fn wants_summary() -> bool {
    WANTS_SUMMARY.load(Ordering::Relaxed)
        || std::env::var_os(SUMMARY).is_some_and(|value| !value.is_empty())
}

/// Requests progress bars on the terminal, if there is one.
pub(crate) fn want_progress() {
    WANTS_PROGRESS.store(true, Ordering::Relaxed);
}

/// Returns whether progress bars are requested.
pub(crate) fn wants_progress() -> bool {
    WANTS_PROGRESS.load(Ordering::Relaxed) || environment_wants_progress()
}

/// Returns whether the environment requests progress bars.
pub(crate) fn environment_wants_progress() -> bool {
    std::env::var_os(PROGRESS).is_some_and(|value| !value.is_empty())
}

/// Returns the path for a report of all calls, if the environment requests one.
pub(crate) fn report_page() -> Option<PathBuf> {
    let path = std::env::var_os(REPORT).filter(|path| !path.is_empty())?;
    // The program may go elsewhere.
    Some(std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(path)))
}

/// Variable with the span of another process in which this one was started ([OpenTelemetry]).
///
/// [OpenTelemetry]: https://opentelemetry.io/docs/specs/otel/context/env-carriers/
#[cfg(feature = "opentelemetry")]
pub(crate) const TRACE_PARENT: &str = "TRACEPARENT";

/// Returns the span in which this process was started, if the variable has the right form.
#[cfg(feature = "opentelemetry")]
pub(crate) fn trace_parent() -> Option<String> {
    let parent = std::env::var(TRACE_PARENT).ok()?;
    let lengths: Vec<usize> = parent.split('-').map(str::len).collect();
    let is_hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    (lengths == [2, 32, 16, 2] && parent.chars().all(is_hex)).then_some(parent)
}

/// Returns whether spans are to be exported.
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

/// Returns whether the environment names the service of exported spans.
#[cfg(feature = "opentelemetry")]
pub(crate) fn names_service() -> bool {
    let attributes = std::env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    std::env::var_os("OTEL_SERVICE_NAME").is_some() || attributes.contains("service.name=")
}

/// Returns the name of this program.
#[cfg(feature = "opentelemetry")]
pub(crate) fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Returns the working folder of this process, or `/` if it has been removed.
pub(crate) fn working_folder() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}

/// Returns the folder for bytes that could not be stored: `stub/unsaved` in the user's state, by the XDG Base
/// Directory Specification. Nothing for a user without a home.
pub(crate) fn rescue_folder() -> Option<PathBuf> {
    Some(xdg("XDG_STATE_HOME", ".local/state")?.join("stub/unsaved"))
}

/// Returns the folder with records of calls on clusters that may be running. Nothing for a user
/// without a home.
pub(crate) fn calls_folder() -> Option<PathBuf> {
    Some(xdg("XDG_STATE_HOME", ".local/state")?.join("stub/calls"))
}

/// Returns the user's home.
pub(crate) fn home() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("HOME")?);
    path.is_absolute().then_some(path)
}

/// Returns the folder with the history of jobs. Nothing for a user without a home.
pub(crate) fn history_folder() -> Option<PathBuf> {
    Some(xdg("XDG_STATE_HOME", ".local/state")?.join("stub/runs"))
}

/// Returns the folder with the user's own settings, by the XDG Base Directory Specification.
/// Nothing for a user without a home.
pub(crate) fn settings_folder() -> Option<PathBuf> {
    Some(xdg("XDG_CONFIG_HOME", ".config")?.join("stub"))
}

/// Returns the folder that a variable names, or else one in the user's home. By the specification,
/// a path that is not absolute is ignored.
fn xdg(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(in_home)))
}

/// Returns whether the name can be a variable's.
pub(crate) fn is_variable_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.is_empty() && !bytes.contains(&b'=') && !bytes.contains(&0)
}
