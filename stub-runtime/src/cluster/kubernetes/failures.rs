//! Causes of failed requests: whether they may pass, and the remedy if not.

use std::error::Error;

use kube::core::Status;
use s3fs_core::chain_in_one_line;

use super::frame::NAME;
use crate::cluster::error::ClusterError;

/// Word that the names of all certificate errors contain.
const CERTIFICATE: &str = "certificate";

/// Makes the error for a missing cluster.
pub(super) fn no_cluster(error: &(dyn Error + 'static)) -> ClusterError {
    ClusterError::Refused {
        scheduler: NAME,
        reason: format!(
            "{}; `kubectl config get-contexts` shows which clusters there are: set KUBECONFIG, or `context` in `[engine.kubernetes]` of stub.toml",
            chain_in_one_line(error)
        ),
    }
}

/// Classifies a failed request. `what`: the attempted operation. `was_admitted`: whether the server
/// has accepted the credentials before.
pub(super) fn classify(what: &str, error: &kube::Error, was_admitted: bool) -> ClusterError {
    let (scheduler, words) = (NAME, chain_in_one_line(error));
    let unreachable = |said: &str| ClusterError::Unreachable {
        scheduler,
        reason: format!("{what}: {said}"),
    };
    let refused = |said: &str, help: &str| ClusterError::Refused {
        scheduler,
        reason: format!("{what}: {said}{help}"),
    };
    match error {
        kube::Error::Api(status) => match of_status(status) {
            Meaning::Passes => unreachable(&status.message),
            Meaning::Full => ClusterError::Busy {
                scheduler,
                reason: format!("{what}: {}", status.message),
            },
            // A token that has become too old, in the middle of a call: its owner has time to renew it.
            Meaning::Unknown if was_admitted => unreachable(&status.message),
            Meaning::Unknown => refused(
                &status.message,
                "; log in to the cluster: `kubectl auth whoami` shows who you are there",
            ),
            Meaning::Forbidden => refused(
                &status.message,
                "; docs/kubernetes.md has the rules (RBAC) that this takes",
            ),
            Meaning::Absent => refused(
                &status.message,
                "; set `namespace` in `[engine.kubernetes]` of stub.toml to one that is there",
            ),
            Meaning::Wrong => refused(&status.message, ""),
        },
        kube::Error::Auth(_) if !was_admitted => refused(&words, "; log in to the cluster"),
        kube::Error::Service(_) if words.to_ascii_lowercase().contains(CERTIFICATE) => refused(
            &words,
            "; `certificate-authority` of the kubeconfig is another one's",
        ),
        kube::Error::BuildRequest(_) | kube::Error::HttpError(_) => refused(&words, ""),
        _ => unreachable(&words),
    }
}

/// Meaning of an error status of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The request may succeed later.
    Passes,
    /// There is no room for now.
    Full,
    /// The server does not accept the credentials.
    Unknown,
    Forbidden,
    Absent,
    Wrong,
}

fn of_status(status: &Status) -> Meaning {
    match status.code {
        403 if status.message.contains("exceeded quota") => Meaning::Full,
        401 => Meaning::Unknown,
        403 => Meaning::Forbidden,
        404 => Meaning::Absent,
        // A list whose pages have become too old begins anew; what somebody else changes is tried again.
        408 | 409 | 410 | 429 | 500.. => Meaning::Passes,
        _ => Meaning::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: u16, message: &str) -> ClusterError {
        let status = Status::failure(message, "").with_code(code);
        classify("make the Job `x`", &kube::Error::Api(status.boxed()), false)
    }

    #[test]
    fn what_may_pass_is_told_from_what_will_not() {
        for code in [408, 409, 429, 500, 503, 504] {
            let error = answered(code, "later");
            assert!(matches!(error, ClusterError::Unreachable { .. }), "{code}");
        }
        let quota = answered(
            403,
            "jobs.batch \"x\" is forbidden: exceeded quota: small, requested: count/jobs.batch=1",
        );
        assert!(matches!(quota, ClusterError::Busy { .. }));
        for code in [400, 401, 403, 404, 405, 422] {
            let error = answered(code, "no");
            assert!(matches!(error, ClusterError::Refused { .. }), "{code}");
        }
    }

    #[test]
    fn an_error_says_what_was_tried_and_what_helps() {
        let error = answered(403, "jobs.batch is forbidden: User \"x\" cannot create").to_string();
        assert!(error.starts_with(
            "Kubernetes refused the request: make the Job `x`: jobs.batch is forbidden"
        ));
        assert!(error.contains("RBAC"), "{error}");
    }

    #[test]
    fn a_token_that_has_become_too_old_may_be_renewed() {
        let status = Status::failure("Unauthorized", "Unauthorized").with_code(401);
        let error = kube::Error::Api(status.boxed());
        let classified = classify("get the Job `x`", &error, true);
        assert!(matches!(classified, ClusterError::Unreachable { .. }));
    }
}
