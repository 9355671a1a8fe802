//! Bucket that is the volume of a test's functions.

use std::cell::RefCell;

use s3_local::{Policy, S3Local, Server};
use stub::{CloudBucketMount, Secret};

/// Name of the bucket.
pub(crate) const BUCKET: &str = "data";

thread_local! {
    /// Volume of this thread: the expressions of `volumes` are evaluated by the calling thread.
    static VOLUME: RefCell<Option<CloudBucketMount>> = const { RefCell::new(None) };
}

/// Returns the volume that the functions of the tests declare.
pub(crate) fn volume() -> CloudBucketMount {
    VOLUME
        .with_borrow(Clone::clone)
        .expect("the test has chosen a volume")
}

/// Sets the result of `volume` for this thread.
pub(crate) fn choose(volume: CloudBucketMount) {
    VOLUME.set(Some(volume));
}

/// Starts a server with the bucket `data`, which has `hello.txt` and `in/deep.txt`.
pub(crate) fn server() -> Server {
    filled(S3Local::builder().start())
}

/// Starts such a server with a policy for the access key `limited`, whose secret is `limited-secret`.
pub(crate) fn server_with(policy: Policy) -> Server {
    let builder = S3Local::builder();
    filled(
        builder
            .access_key("limited", "limited-secret", policy)
            .start(),
    )
}

/// Starts such a server whose policy lets programs write into the folder `good`, but not into `bad`.
pub(crate) fn half_writable() -> Server {
    let policy = Policy::read_only(BUCKET).allow("s3:PutObject", "data/good/*");
    let server = server_with(policy);
    server.put(BUCKET, "good/first", "");
    server.put(BUCKET, "bad/first", "");
    server
}

/// Creates the bucket of a server, with its two objects.
pub(crate) fn filled(server: Server) -> Server {
    server.create_bucket(BUCKET);
    server.put(BUCKET, "hello.txt", "hello\n");
    server.put(BUCKET, "in/deep.txt", "deep\n");
    server
}

/// Returns a bucket of the server, with the key that may do everything.
pub(crate) fn of(server: &Server, bucket: &str) -> CloudBucketMount {
    at(server, bucket).secret(keys(server.access_key_id(), server.secret_access_key()))
}

/// Returns a bucket of the server, without credentials.
pub(crate) fn at(server: &Server, bucket: &str) -> CloudBucketMount {
    CloudBucketMount::new(bucket)
        .bucket_endpoint_url(server.endpoint_url())
        .force_path_style(true)
}

/// Returns the bucket, with the access key of `server_with`.
pub(crate) fn limited(server: &Server) -> CloudBucketMount {
    at(server, BUCKET).secret(keys("limited", "limited-secret"))
}

pub(crate) fn keys(id: &str, secret: &str) -> Secret {
    Secret::from_dict([("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)])
}
