//! Names and values that come from, or go into, the environment: the one place that reads it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Variables that say what is to be seen of this program's own calls: not of those that a job makes in turn.
pub(crate) const SEEING: [&str; 2] = [PROGRESS, REPORT];

/// Variables with credentials for buckets. A job gets them from its `secrets` or not at all.
pub(crate) const CREDENTIALS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// The role this process was started in, taken out of the environment.
pub(crate) fn take_role() -> Option<OsString> {
    let role = std::env::var_os(ROLE)?;
    crate::sys::remove_variable(ROLE);
    Some(role)
}

/// The credentials in this process's environment.
pub(crate) fn credentials() -> Vec<(OsString, OsString)> {
    let named = |name: &&str| Some((OsString::from(name), std::env::var_os(name)?));
    CREDENTIALS.iter().filter_map(named).collect()
}

/// Gives this process, which has one thread, credentials that another had.
pub(crate) fn adopt(variables: &[(OsString, OsString)]) {
    for (name, value) in variables {
        crate::sys::set_variable(name, value);
    }
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
