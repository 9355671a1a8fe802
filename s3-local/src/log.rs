//! Request log: recent requests, and the number of requests of each operation.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::Operation;

/// Maximum number of requests in the log; older ones are dropped, but stay counted.
const KEPT: usize = 100_000;

/// Log entry of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Requested operation.
    pub operation: Operation,
    /// The bucket, if the request names one.
    pub bucket: Option<String>,
    /// The key, if the request names one.
    pub key: Option<String>,
    /// The `Range` header, such as `bytes=0-99`.
    pub range: Option<String>,
    /// The number of the part that was uploaded.
    pub part_number: Option<u16>,
    /// Length of the body in bytes, as the request announces it, without the framing of chunks.
    pub body_length: Option<u64>,
    /// The access key the request claims to be from; `None` for an anonymous one.
    pub access_key: Option<String>,
    /// The headers `x-amz-*` by name, but for those of signatures.
    pub headers: BTreeMap<String, String>,
    /// Number of requests in progress when this one arrived, itself included. A request is in progress until the
    /// body of its answer has left the server, or the client has given up.
    pub in_flight: usize,
    /// Number of those that name the same bucket and key.
    pub of_its_key: usize,
    /// The HTTP status of the answer; `None` if the connection ended without one.
    pub status: Option<u16>,
}

/// Log of a server's requests, in the order of their responses; see [`Server::log`](crate::Server::log).
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
    in_flight: Arc<InFlight>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: VecDeque<Request>,
    counts: [u64; Operation::ALL.len()],
}

/// Requests in progress, by bucket and key.
#[derive(Debug, Default)]
struct InFlight(Mutex<HashMap<Place, usize>>);

/// Bucket and key of a request.
type Place = (Option<String>, Option<String>);

/// Request in progress.
#[derive(Debug)]
pub(crate) struct InProgress {
    all: Arc<InFlight>,
    place: Place,
}

impl InFlight {
    fn places(&self) -> std::sync::MutexGuard<'_, HashMap<Place, usize>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let mut places = self.all.places();
        if let Some(count) = places.get_mut(&self.place) {
            *count -= 1;
            if *count == 0 {
                places.remove(&self.place);
            }
        }
    }
}

impl RequestLog {
    /// Returns the number of requests of an operation.
    pub fn count(&self, operation: Operation) -> u64 {
        self.inner().counts[operation as usize]
    }

    /// Returns the total number of requests.
    pub fn total(&self) -> u64 {
        self.inner().counts.iter().sum()
    }

    /// Returns the number of write requests, whether they were allowed or not.
    pub fn writes(&self) -> u64 {
        let inner = self.inner();
        let writing = Operation::ALL
            .iter()
            .filter(|operation| operation.is_write());
        writing
            .map(|&operation| inner.counts[operation as usize])
            .sum()
    }

    /// Returns the last requests, oldest first: all of them unless there were more than 100 000.
    pub fn requests(&self) -> Vec<Request> {
        self.inner().requests.iter().cloned().collect()
    }

    /// Removes all requests and counts from zero.
    pub fn clear(&self) {
        *self.inner() = Inner::default();
    }

    /// Starts a request, and counts those in progress in its entry.
    pub(crate) fn start(&self, request: &mut Request) -> InProgress {
        let place = (request.bucket.clone(), request.key.clone());
        let mut places = self.in_flight.places();
        let count = places.entry(place.clone()).or_default();
        *count += 1;
        request.of_its_key = *count;
        request.in_flight = places.values().sum();
        drop(places);
        InProgress {
            all: Arc::clone(&self.in_flight),
            place,
        }
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
