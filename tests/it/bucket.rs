//! The bucket that a test's functions have as their volume.

use std::cell::RefCell;

use s3_local::{Policy, S3Local, Server};
use stub::{CloudBucketMount, Secret};

/// The name of the bucket.
pub(crate) const BUCKET: &str = "data";

thread_local! {
    /// The expressions of `volumes` are evaluated by the thread that calls.
    static VOLUME: RefCell<Option<CloudBucketMount>> = const { RefCell::new(None) };
}

/// What the functions of the tests declare.
pub(crate) fn volume() -> CloudBucketMount {
    VOLUME
        .with_borrow(Clone::clone)
        .expect("the test has chosen a volume")
}

/// Chooses what `volume` is for this thread from now on.
pub(crate) fn choose(volume: CloudBucketMount) {
    VOLUME.set(Some(volume));
}

/// A server with the bucket `data`, which holds `hello.txt` and `in/deep.txt`.
pub(crate) fn server() -> Server {
    filled(S3Local::builder().start())
}

/// The same, where the access key `limited`, whose secret is `limited-secret`, has a policy.
pub(crate) fn server_with(policy: Policy) -> Server {
    let builder = S3Local::builder();
    filled(
        builder
            .access_key("limited", "limited-secret", policy)
            .start(),
    )
}

fn filled(server: Server) -> Server {
    server.create_bucket(BUCKET);
    server.put(BUCKET, "hello.txt", "hello\n");
    server.put(BUCKET, "in/deep.txt", "deep\n");
    server
}

/// A bucket of the server, for the key that may do everything.
pub(crate) fn of(server: &Server, bucket: &str) -> CloudBucketMount {
    at(server, bucket).secret(keys(server.access_key_id(), server.secret_access_key()))
}

/// A bucket of the server, for nobody in particular.
pub(crate) fn at(server: &Server, bucket: &str) -> CloudBucketMount {
    CloudBucketMount::new(bucket)
        .bucket_endpoint_url(server.endpoint_url())
        .force_path_style(true)
}

/// The bucket, for the access key of `server_with`.
pub(crate) fn limited(server: &Server) -> CloudBucketMount {
    at(server, BUCKET).secret(keys("limited", "limited-secret"))
}

pub(crate) fn keys(id: &str, secret: &str) -> Secret {
    Secret::from_dict([("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)])
}
