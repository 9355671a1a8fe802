//! A running server.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use s3s::auth::SecretKey;
use tokio::sync::oneshot;

use crate::access::{Ended, KeyRing};
use crate::api::{Etags, now};
use crate::catalog::Catalog;
use crate::http::{Front, serve};
use crate::storage::Storage;
use crate::tls::Tls;
use crate::{BucketOptions, Error, Knobs, RequestLog};

/// Maximum time the server waits for pending file operations when it stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// State of a server except its threads.
pub(crate) struct Parts {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) storage: Storage,
    pub(crate) knobs: Arc<Knobs>,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) etags: Etags,
    pub(crate) region: String,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) root: (String, SecretKey),
}

/// A running server, which stops when it is dropped.
///
/// Functions that create buckets and objects or read them bypass HTTP: the request log does not list
/// them, and knobs and policies do not apply.
///
/// ```
/// use s3_local::S3Local;
///
/// let server = S3Local::builder().start();
/// server.create_bucket("data");
/// server.put("data", "folder/a.txt", "hello");
/// assert_eq!(server.keys("data"), ["folder/a.txt"]);
/// assert_eq!(server.get("data", "folder/a.txt").as_deref(), Some(&b"hello"[..]));
/// ```
pub struct Server {
    pub(crate) parts: Parts,
    address: SocketAddr,
    tls: Option<Tls>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

// Without the secrets.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn start(
        parts: Parts,
        front: Front,
        listener: TcpListener,
        tls: Option<Tls>,
        threads: usize,
    ) -> Result<Server, Error> {
        let address = listener.local_addr().map_err(Error::Threads)?;
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if threads > 0 {
            builder.worker_threads(threads);
        }
        let runtime = builder.thread_name("s3-local").enable_all().build();
        let runtime = runtime.map_err(Error::Threads)?;
        let (stop, stopped) = oneshot::channel();
        let accepting = tls.clone();
        // A thread of its own ends the runtime, which must not happen on a thread of the caller's.
        let run = move || {
            let served = runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let serving = tokio::spawn(serve(listener, accepting, Arc::new(front)));
                // Either way it is the end: the server was dropped.
                let _ = stopped.await;
                serving.abort();
                Ok::<(), io::Error>(())
            });
            if let Err(error) = served {
                tracing::error!(%error, "serve");
            }
            runtime.shutdown_timeout(STOP_TIMEOUT);
        };
        let thread = thread::Builder::new()
            .name("s3-local-main".to_owned())
            .spawn(run);
        let thread = Some(thread.map_err(Error::Threads)?);
        Ok(Server {
            parts,
            address,
            tls,
            stop: Some(stop),
            thread,
        })
    }

    /// Returns the endpoint URL for clients. Path-style addressing works without being asked for, as the
    /// host is an IP address.
    pub fn endpoint_url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Returns the certificate of a server of HTTPS in PEM form, to be named by `AWS_CA_BUNDLE`.
    #[cfg(feature = "tls")]
    pub fn certificate(&self) -> Option<&str> {
        self.tls.as_ref().map(|tls| &*tls.certificate)
    }

    /// Returns the address the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the region of buckets that were created without one.
    pub fn region(&self) -> &str {
        &self.parts.region
    }

    /// Returns the ID of the access key that may do everything.
    pub fn access_key_id(&self) -> &str {
        &self.parts.root.0
    }

    /// Returns the secret of [`access_key_id`](Server::access_key_id).
    pub fn secret_access_key(&self) -> &str {
        self.parts.root.1.expose()
    }

    /// Refuses an access key from now on with `ExpiredToken`, as S3 refuses expired credentials.
    pub fn expire_key(&self, id: &str) {
        self.parts.keys.end(id, Ended::Expired);
    }

    /// Refuses an access key from now on with `InvalidAccessKeyId`, as S3 refuses a deleted key.
    pub fn revoke_key(&self, id: &str) {
        self.parts.keys.end(id, Ended::Revoked);
    }

    /// Ends all sessions of directory buckets: their keys are refused from now on with `ExpiredToken`.
    /// Callers may create others.
    pub fn end_sessions(&self) {
        self.parts.keys.sessions.end_all();
    }

    /// Returns the settings that can be changed while the server runs.
    pub fn knobs(&self) -> &Knobs {
        &self.parts.knobs
    }

    /// Returns the request log.
    pub fn log(&self) -> &RequestLog {
        &self.parts.log
    }

    /// Creates a private bucket in the server's region.
    ///
    /// # Panics
    ///
    /// If the bucket exists, or the name is not a valid S3 bucket name.
    #[track_caller]
    pub fn create_bucket(&self, bucket: &str) {
        self.create_bucket_with(bucket, BucketOptions::new());
    }

    /// Creates a bucket.
    ///
    /// # Panics
    ///
    /// If the bucket exists, or the name is not a valid S3 bucket name.
    #[track_caller]
    pub fn create_bucket_with(&self, bucket: &str, options: BucketOptions) {
        if let Err(error) = self.try_create_bucket(bucket, options) {
            panic!("{}", with_sources(&error));
        }
    }

    /// Creates a bucket.
    ///
    /// # Errors
    ///
    /// If the bucket exists, or the name is not a valid S3 bucket name.
    pub fn try_create_bucket(&self, bucket: &str, options: BucketOptions) -> Result<(), Error> {
        let failed = |reason| Error::CreateBucket {
            bucket: bucket.to_owned(),
            reason,
        };
        if !s3s::path::check_bucket_name(bucket) {
            return Err(failed("S3 does not allow this name".to_owned()));
        }
        let settings = options.into_settings(&self.parts.region);
        let created = self.parts.catalog.create_bucket(bucket, settings, now());
        created.map_err(|refusal| failed(refusal.to_string()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dropping the sender is the signal.
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic over there has been printed; this one must not add another.
            let _ = thread.join();
        }
    }
}

/// Formats an error and its causes in one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
