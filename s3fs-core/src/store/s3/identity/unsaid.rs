//! Refusals without a code. The response to a `HEAD` request has no body, so that refused keys look
//! like a missing permission or a malformed request.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use tokio::time::Instant;

use super::{Identity, KeyHash, is_refusal};
use crate::object::Key;
use crate::store::s3::S3Store;

/// Time for which the answer to a question holds for all requests.
const FRESH: Duration = Duration::from_secs(1);

/// Answer to the question whether keys are refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    at: Instant,
    is_refused: bool,
    /// Keys that were in use.
    keys: Option<KeyHash>,
}

impl Verdict {
    /// Returns whether the keys are refused, if the answer is fresh. That keys are not refused
    /// says nothing about others; a refusal only has requests tried again.
    fn answer(&self, keys: Option<KeyHash>, now: Instant) -> Option<bool> {
        let is_fresh = now.saturating_duration_since(self.at) < FRESH;
        (is_fresh && (self.is_refused || self.keys == keys)).then_some(self.is_refused)
    }
}

/// Returns whether a response may refuse the keys without a word.
fn is_silent<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    matches!(status, Some(400 | 401 | 403))
}

impl S3Store {
    /// Returns whether a `HEAD` request failed because its keys are refused. Asks with a request
    /// whose response has a body, at most once a second for the same keys.
    pub(in crate::store::s3) async fn is_key_refused<E: ProvideErrorMetadata>(
        &self,
        key: &Key,
        error: &SdkError<E, HttpResponse>,
    ) -> bool {
        match &self.identity {
            Some(identity) if is_silent(error) => Box::pin(self.ask(identity, key)).await,
            None if self.sessions.is_some() && is_silent(error) => {
                Box::pin(self.send_question(key)).await
            }
            _ => false,
        }
    }

    async fn ask(&self, identity: &Identity, key: &Key) -> bool {
        let mut last = identity.0.verdict.lock().await;
        let keys = identity.current().loaded();
        if let Some(answer) = last.and_then(|verdict| verdict.answer(keys, Instant::now())) {
            return answer;
        }
        let is_refused = self.send_question(key).await;
        *last = Some(Verdict {
            at: Instant::now(),
            is_refused,
            keys: identity.current().loaded(),
        });
        is_refused
    }

    async fn send_question(&self, key: &Key) -> bool {
        let request = self
            .client
            .get_object()
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .range("bytes=0-0")
            .set_request_payer(self.payer.clone());
        let answer = request.send().await;
        answer.is_err_and(|error| error.code().is_some_and(is_refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_for_a_second_and_a_negative_one_for_its_keys_alone() {
        let at = Instant::now();
        let [first, second] = ["first", "second"].map(|id| Some(KeyHash::new(id, None)));
        let verdict = |is_refused| Verdict {
            at,
            is_refused,
            keys: first,
        };
        assert_eq!(verdict(false).answer(first, at), Some(false));
        assert_eq!(verdict(false).answer(second, at), None);
        assert_eq!(verdict(false).answer(None, at), None);
        assert_eq!(verdict(true).answer(second, at), Some(true));
        assert_eq!(verdict(false).answer(first, at + FRESH), None);
    }
}
