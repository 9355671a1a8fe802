//! Refusals of conditions: servers without conditional writes answer in several ways.

use crate::store::StoreErrorKind;

/// Meaning of a failure of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The server takes no conditions.
    Certain,
    /// The server takes no conditions, if the same request without one succeeds.
    Likely,
    /// The failure has another reason.
    None,
}

impl Refusal {
    /// Returns whether the condition has to be checked by HEAD.
    pub(super) fn is_any(self) -> bool {
        self != Self::None
    }
}

/// Returns whether a failed conditional write means that the server takes no conditions: 501 as of
/// S3 before it had them, or 400 or 405 of servers that do not know the header.
pub(super) fn refusal(kind: &StoreErrorKind) -> Refusal {
    let words = match kind {
        StoreErrorKind::Unsupported(_) => return Refusal::Certain,
        StoreErrorKind::Other(words) | StoreErrorKind::NotS3(words) => words.to_ascii_lowercase(),
        _ => return Refusal::None,
    };
    let names_condition = ["if-none-match", "if-match", "conditional"]
        .iter()
        .any(|name| words.contains(name));
    let is_not_allowed = words.starts_with("methodnotallowed") || words == "http 405";
    if names_condition || is_not_allowed {
        Refusal::Likely
    } else {
        Refusal::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_that_speak_of_the_condition_are_taken_for_one() {
        use StoreErrorKind as K;
        let certain = K::Unsupported("NotImplemented: A header you provided".into());
        assert_eq!(refusal(&certain), Refusal::Certain);
        for kind in [
            K::Other("InvalidArgument: If-None-Match is not supported".into()),
            K::Other("InvalidRequest: conditional writes are not enabled".into()),
            K::Other("MethodNotAllowed: not allowed against this resource".into()),
            K::NotS3("HTTP 405".into()),
        ] {
            assert_eq!(refusal(&kind), Refusal::Likely, "{kind}");
        }
        for kind in [
            K::Other("EntityTooLarge: too large".into()),
            K::NotS3("HTTP 404".into()),
            K::AccessDenied("AccessDenied".into()),
            K::PreconditionFailed,
        ] {
            assert_eq!(refusal(&kind), Refusal::None, "{kind}");
        }
    }
}
