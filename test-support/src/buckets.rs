//! Servers with a bucket.

use s3_local::{S3Local, Server};

/// Starts a server with a bucket that has these objects, given by key and content.
pub fn served(bucket: &str, objects: &[(&str, &str)]) -> Server {
    let server = S3Local::builder().start();
    server.create_bucket(bucket);
    for (key, content) in objects {
        server.put(bucket, key, content.as_bytes().to_vec());
    }
    server
}

/// Returns the environment variables with a server's root key.
pub fn keys(server: &Server) -> [(&'static str, String); 2] {
    [
        ("AWS_ACCESS_KEY_ID", server.access_key_id().to_owned()),
        (
            "AWS_SECRET_ACCESS_KEY",
            server.secret_access_key().to_owned(),
        ),
    ]
}
