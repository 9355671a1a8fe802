//! Storage classes and encryptions that a server shows and does not take.
//!
//! A changed object is sent with what HEAD has shown. Servers of other vendors show names that they
//! refuse in requests: `MinIO` that of the tier to which a lifecycle rule has moved the object.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::S3Store;
use super::written::Written;
use crate::store::{StoreError, StoreErrorKind, Vendor};

/// Names that the server has shown and refused.
#[derive(Debug, Default)]
pub(super) struct RefusedProperties(Mutex<BTreeSet<String>>);

impl RefusedProperties {
    /// Returns the headers without names that were refused before.
    fn filter(&self, written: Written) -> Written {
        let refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.shown().any(|name| refused.contains(name)) {
            written.without_shown()
        } else {
            written
        }
    }

    /// Records names; logs those that are new.
    fn learn(&self, written: &Written) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for name in written.shown() {
            if refused.insert(name.to_owned()) {
                tracing::warn!(
                    "the server shows {name} of an object and refuses it in requests: objects that \
                     are changed get the storage class and encryption of the bucket"
                );
            }
        }
    }
}

impl S3Store {
    /// Sends a request that writes an object. If the server refuses the storage class or the
    /// encryption that it has shown itself, sends the request without them.
    ///
    /// # Errors
    /// Returns the error of the first attempt, unless the second one succeeds.
    pub(super) async fn send_written<T, F>(
        &self,
        written: Written,
        send: impl Fn(Written) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        if self.capabilities.vendor() == Vendor::Amazon || written.shown().next().is_none() {
            return send(written).await;
        }
        let written = self.refused_properties.filter(written);
        let error = match send(written.clone()).await {
            Err(error) if written.shown().next().is_some() && is_refusal(&error.kind) => error,
            answer => return answer,
        };
        let answer = send(written.without_shown()).await.map_err(|_| error)?;
        self.refused_properties.learn(&written);
        Ok(answer)
    }
}

/// Returns whether an error may be about a header of the request.
fn is_refusal(kind: &StoreErrorKind) -> bool {
    const CODES: [&str; 5] = [
        "InvalidStorageClass",
        "InvalidArgument",
        "InvalidRequest",
        "InvalidEncryptionAlgorithmError",
        "BadRequest",
    ];
    match kind {
        StoreErrorKind::Unsupported(_) => true,
        StoreErrorKind::Other(words) => CODES.iter().any(|code| words.contains(code)),
        _ => false,
    }
}
