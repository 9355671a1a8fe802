//! Store whose requests are delayed, refused or cut short.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::object::Key;
pub(crate) use crate::store::Operation;
use crate::store::{GetBody, GetResponse, Layer, Request, Store, StoreError, StoreErrorKind};

/// Disturbance of requests and responses.
#[async_trait]
pub(crate) trait Disturbance: Debug + Send + Sync + 'static {
    /// Runs before the store receives the request; an error keeps the request from it.
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind>;

    /// Runs after the store has carried out the request; an error replaces its response.
    async fn after(&self, operation: Operation) -> Result<(), StoreErrorKind>;

    /// Returns the body of a response, as disturbed.
    fn body(&self, body: GetBody) -> GetBody {
        body
    }
}

/// Store with a disturbance.
#[derive(Debug)]
pub(crate) struct Disturbed<S, D> {
    pub(crate) store: S,
    pub(crate) disturbance: Arc<D>,
}

impl<S: Store, D: Disturbance> Layer for Disturbed<S, D> {
    type Below = S;

    fn below(&self) -> &S {
        &self.store
    }

    async fn around<T, F>(
        &self,
        request: Request<'_>,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let failed = |kind| StoreError::new("disturbed", request.uri(self.below()), kind);
        let operation = request.operation;
        self.disturbance.before(operation).await.map_err(failed)?;
        let answer = send().await?;
        self.disturbance.after(operation).await.map_err(failed)?;
        Ok(answer)
    }

    fn received(&self, _: &Key, answer: GetResponse) -> GetResponse {
        GetResponse {
            body: self.disturbance.body(answer.body),
            ..answer
        }
    }
}
