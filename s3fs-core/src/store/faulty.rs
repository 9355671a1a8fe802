//! Store that fails on demand.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;

use crate::store::disturbed::{Disturbance, Disturbed, Operation};
use crate::store::{GetBody, Store, StoreError, StoreErrorKind};

/// Store with [`Faults`].
pub(crate) type Faulty<S> = Disturbed<S, Faults>;

/// Fault of the next request of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The request is refused, and not carried out.
    Refused,
    /// The request is lost, and not carried out.
    NotReached,
    /// The request is carried out, and its response is lost.
    AnswerLost,
    /// The body breaks off with an error after this many bytes.
    Broken(usize),
}

/// Faults of the next requests.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<(Operation, Fault)>>);

impl Faults {
    /// Wraps a store without faults.
    pub(crate) fn over<S: Store>(store: S) -> (Arc<Faulty<S>>, Arc<Self>) {
        let disturbance = Arc::<Self>::default();
        let faults = Arc::clone(&disturbance);
        (Arc::new(Disturbed { store, disturbance }), faults)
    }

    /// Makes the next request of an operation fail. Two calls make the next two fail.
    pub(crate) fn next(&self, operation: Operation, fault: Fault) {
        self.0.lock().unwrap().push((operation, fault));
    }

    fn take(&self, is: impl Fn(&(Operation, Fault)) -> bool) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap();
        let index = faults.iter().position(is)?;
        Some(faults.remove(index).1)
    }
}

#[async_trait]
impl Disturbance for Faults {
    async fn before(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        let is_before = |fault: &Fault| matches!(fault, Fault::Refused | Fault::NotReached);
        match self.take(|(o, fault)| *o == operation && is_before(fault)) {
            Some(Fault::NotReached) => Err(StoreErrorKind::TimedOut),
            Some(_) => Err(StoreErrorKind::AccessDenied("by the test".into())),
            None => Ok(()),
        }
    }

    async fn after(&self, operation: Operation) -> Result<(), StoreErrorKind> {
        match self.take(|(o, fault)| *o == operation && matches!(fault, Fault::AnswerLost)) {
            Some(_) => Err(StoreErrorKind::TimedOut),
            None => Ok(()),
        }
    }

    fn body(&self, body: GetBody) -> GetBody {
        match self.take(|(o, fault)| *o == Operation::Get && matches!(fault, Fault::Broken(_))) {
            Some(Fault::Broken(after)) => GetBody::new(stream::try_unfold(
                (body, after),
                |(mut body, left)| async move {
                    let Some(piece) = body.next().await?.filter(|_| left > 0) else {
                        return Err(StoreError::new(
                            "GetObject",
                            "a body".into(),
                            StoreErrorKind::Truncated("by the test".into()),
                        ));
                    };
                    let piece: Bytes = piece.slice(..piece.len().min(left));
                    let left = left - piece.len();
                    Ok(Some((piece, (body, left))))
                },
            )),
            _ => body,
        }
    }
}
