//! Environment variables that hold a secret or its location: the only list of them, for jobs here
//! and on clusters.

use std::ffi::{OsStr, OsString};

/// Variables with keys for buckets.
const KEYS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// Prefixes of variables by which a machine or a pod gets credentials of its own: of no use elsewhere.
pub(super) const OF_MACHINE: [&str; 4] = [
    "AWS_ROLE_",
    "AWS_WEB_IDENTITY_",
    "AWS_CONTAINER_",
    "MODAL_IDENTITY_",
];

/// Other variables with secrets for the supervisor: AWS configuration files, and headers and keys
/// of the exporter of spans.
const OTHERS: [&str; 10] = [
    "AWS_SECURITY_TOKEN",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
];

/// Secrets of the command line, which no other process of a call needs.
const OF_COMMAND_LINE: [&str; 1] = ["STUB_SERVE_SECRET"];

/// Returns whether a variable holds a secret or its location. A job gets it only from its `secrets` or `env`.
pub(crate) fn is_credential(name: &OsStr) -> bool {
    is_used(name) || OF_COMMAND_LINE.iter().any(|one| name == *one)
}

fn is_used(name: &OsStr) -> bool {
    KEYS.iter().chain(&OTHERS).any(|one| name == *one) || begins(name, &OF_MACHINE)
}

/// Returns whether a variable holds keys for buckets.
pub(crate) fn is_key(name: &OsStr) -> bool {
    KEYS.iter().any(|one| name == *one)
}

pub(super) fn begins(name: &OsStr, with: &[&str]) -> bool {
    let name = name.as_encoded_bytes();
    with.iter().any(|begin| name.starts_with(begin.as_bytes()))
}

/// Returns the names of this process's variables that a job must not have.
pub(crate) fn kept_from_jobs() -> Vec<OsString> {
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| is_credential(name)).collect()
}

/// Returns the credentials in this process's environment, for processes of ours.
pub(crate) fn credentials() -> Vec<(OsString, OsString)> {
    std::env::vars_os()
        .filter(|(name, _)| is_used(name))
        .collect()
}

/// Sets the credentials of another process in this one, which has one thread.
pub(crate) fn adopt(variables: &[(OsString, OsString)]) {
    for (name, value) in variables {
        crate::sys::set_variable(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_the_means_to_get_them_are_told_from_other_variables() {
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SESSION_TOKEN",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "MODAL_IDENTITY_TOKEN",
            "AWS_SHARED_CREDENTIALS_FILE",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "STUB_SERVE_SECRET",
        ] {
            assert!(is_credential(name.as_ref()), "{name}");
        }
        for name in [
            "AWS_REGION",
            "AWS_PROFILE",
            "AWS_ENDPOINT_URL",
            "AWS_ROLE",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "STUB_LOG",
            "PATH",
        ] {
            assert!(!is_credential(name.as_ref()), "{name}");
        }
    }
}
