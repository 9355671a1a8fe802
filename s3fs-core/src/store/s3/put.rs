//! Conditional writes of an object in one request.

use super::client::sending_timeouts;
use super::conditions::{Refusal, refusal};
use super::integrity::{Plan, with_digests};
use super::kept_tags::Tagged;
use super::values::{content_length, if_match, if_none_match};
use super::written::{Written, with_headers};
use super::{PayloadSigning, S3Store};
use crate::object::{ETag, Headers, Key};
use crate::store::{Body, Capability, Precondition, Store, StoreError, StoreErrorKind};

impl S3Store {
    /// Stores an object if the precondition holds. If the server does not support conditions, the
    /// precondition is checked before.
    pub(super) async fn put_if(
        &self,
        key: &Key,
        body: &Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        if is_marker(key) && !self.capabilities.has(Capability::Markers) {
            return Err(self.no_markers(key, "refused before"));
        }
        let is_conditional = *precondition != Precondition::None;
        if !is_conditional || self.capabilities.has(Capability::ConditionalPut) {
            let put = self.send_put(key, body, headers, precondition).await;
            let refusal = match &put {
                Err(error) if is_conditional => refusal(&error.kind),
                _ => Refusal::None,
            };
            match put {
                // A 501 may be about another header as well: a plain request tells them apart.
                _ if refusal.is_any() => {
                    self.check("PutObject", key, precondition).await?;
                    let none = &Precondition::None;
                    let put = self.send_put(key, body, headers, none).await?;
                    self.capabilities.lacks(Capability::ConditionalPut);
                    return Ok(put);
                }
                Err(StoreError {
                    kind: StoreErrorKind::Other(words),
                    ..
                }) if is_marker(key) && !self.capabilities.is_proven(Capability::Markers) => {
                    self.capabilities.lacks(Capability::Markers);
                    return Err(self.no_markers(key, &words));
                }
                put => {
                    if put.is_ok() && is_marker(key) {
                        self.capabilities.prove(Capability::Markers);
                        self.own_marker.stored(key, headers);
                    }
                    return put;
                }
            }
        }
        self.check("PutObject", key, precondition).await?;
        self.send_put(key, body, headers, &Precondition::None).await
    }

    fn no_markers(&self, key: &Key, words: &str) -> StoreError {
        let words =
            format!("it takes no keys that end in `/`, so no folder without files: {words}");
        self.failed("PutObject", key, StoreErrorKind::Unsupported(words))
    }

    /// Compares the object of a key with a precondition. Another client may change it right after.
    ///
    /// # Errors
    /// Returns an error if the precondition does not hold.
    pub(super) async fn check(
        &self,
        operation: &'static str,
        key: &Key,
        precondition: &Precondition,
    ) -> Result<(), StoreError> {
        let wanted = match precondition {
            Precondition::None => return Ok(()),
            Precondition::Absent => None,
            Precondition::Is(etag) => Some(etag),
        };
        let there = match self.head(key).await {
            Ok(described) => Some(described.meta.etag),
            Err(error) => match error.kind {
                StoreErrorKind::NoSuchKey => None,
                _ => return Err(error),
            },
        };
        let kind = match (wanted, there) {
            (None, None) => return Ok(()),
            (Some(wanted), Some(there)) if *wanted == there => return Ok(()),
            (Some(_), None) => StoreErrorKind::NoSuchKey,
            _ => StoreErrorKind::PreconditionFailed,
        };
        Err(self.failed(operation, key, kind))
    }

    /// Stores an object, again with other digests if the server demands them.
    async fn send_put(
        &self,
        key: &Key,
        body: &Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        loop {
            let plan = self.integrity.plan();
            // In a box: several requests hold it in their futures.
            let put = Box::pin(self.send_put_with(plan, key, body, headers, precondition));
            match put.await {
                Err(error) if self.integrity.learn(plan, &error.kind) => {}
                put => return put,
            }
        }
    }

    /// Returns the headers of an object that is written with `headers`. In a directory bucket the session
    /// says the encryption: a request that says another one is refused.
    pub(super) fn written(&self, headers: &Headers) -> Written {
        let written = Written::new(&self.uploads, headers);
        match self.sessions {
            Some(_) => written.without_encryption(),
            None => written,
        }
    }

    async fn send_put_with(
        &self,
        plan: Plan,
        key: &Key,
        body: &Body,
        headers: &Headers,
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let written = self.written(headers);
        let send = |written| Box::pin(self.send_put_of(written, plan, (key, body), precondition));
        self.send_written(written, send).await
    }

    async fn send_put_of(
        &self,
        written: Written,
        plan: Plan,
        (key, body): (&Key, &Body),
        precondition: &Precondition,
    ) -> Result<ETag, StoreError> {
        let digests = self.digests(plan, ("PutObject", key), body).await?;
        let (stream, progress) = self.stream("PutObject", key, body).await?;
        let request = with_digests!(with_headers!(self.client.put_object(), written), digests)
            .bucket(self.bucket.as_str())
            .key(key.as_str())
            .content_length(content_length(body))
            .body(stream)
            .set_if_none_match(if_none_match(precondition))
            .set_if_match(if_match(precondition))
            .set_request_payer(self.payer.clone())
            .customize()
            .config_override(sending_timeouts())
            .mutate_request({
                let written = written.clone();
                move |request| written.add_expires(request)
            });
        let sent = async {
            let answer = match self.payload_signing {
                PayloadSigning::Unsigned => request.disable_payload_signing().send().await,
                PayloadSigning::Signed => request.send().await,
            };
            answer
                .map_err(self.error("PutObject", key))
                .map_err(|error| written.naming_permission(error))
        };
        let at = ("PutObject", key);
        let answer = self.sent(at, (&progress, body.length()), sent).await?;
        let tags = written.tags.as_ref();
        self.keep_tags(Tagged::Put, key, tags).await;
        self.stored_tag(key, answer.e_tag.as_deref()).await
    }
}

/// Returns whether the key is a folder marker's.
pub(super) fn is_marker(key: &Key) -> bool {
    key.as_str().ends_with('/')
}
