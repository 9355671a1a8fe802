//! What the server was asked: every request, and how many there were of each operation.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::Operation;

/// Requests kept; older ones are forgotten, but stay counted.
const KEPT: usize = 100_000;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// What was asked for.
    pub operation: Operation,
    /// The bucket, if the request names one.
    pub bucket: Option<String>,
    /// The key, if the request names one.
    pub key: Option<String>,
    /// The `Range` header, such as `bytes=0-99`.
    pub range: Option<String>,
    /// The number of the part that was uploaded.
    pub part_number: Option<u16>,
    /// The access key the request claims to be from; `None` for an anonymous one.
    pub access_key: Option<String>,
    /// The HTTP status of the answer; `None` if the connection ended without one.
    pub status: Option<u16>,
}

/// The requests a server was sent, in the order of their answers; see [`Server::log`](crate::Server::log).
///
/// A request is in the log before its answer leaves the server.
///
/// ```
/// use s3_local::{Operation, S3Local};
///
/// let server = S3Local::builder().start();
/// assert_eq!(server.log().count(Operation::GetObject), 0);
/// assert!(server.log().requests().is_empty());
/// ```
#[derive(Debug, Default)]
pub struct RequestLog {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: VecDeque<Request>,
    counts: [u64; Operation::ALL.len()],
}

impl RequestLog {
    /// How many requests of an operation there were.
    pub fn count(&self, operation: Operation) -> u64 {
        self.inner().counts[operation as usize]
    }

    /// How many requests there were.
    pub fn total(&self) -> u64 {
        self.inner().counts.iter().sum()
    }

    /// How many requests there were that change something, whether they were allowed to or not.
    pub fn writes(&self) -> u64 {
        let inner = self.inner();
        let writing = Operation::ALL
            .iter()
            .filter(|operation| operation.is_write());
        writing
            .map(|&operation| inner.counts[operation as usize])
            .sum()
    }

    /// The last requests, oldest first: all of them unless there were more than 100 000.
    pub fn requests(&self) -> Vec<Request> {
        self.inner().requests.iter().cloned().collect()
    }

    /// Forgets all requests and counts from zero.
    pub fn clear(&self) {
        *self.inner() = Inner::default();
    }

    pub(crate) fn push(&self, request: Request) {
        let mut inner = self.inner();
        inner.counts[request.operation as usize] += 1;
        if inner.requests.len() == KEPT {
            inner.requests.pop_front();
        }
        inner.requests.push_back(request);
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
