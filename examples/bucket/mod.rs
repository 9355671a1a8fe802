//! Bucket of the examples: on a server inside this process, with a few objects, or with `--bucket NAME`
//! one of yours, with the credentials of the standard AWS chain.

use std::sync::OnceLock;

use clap::Parser;
use s3_local::{S3Local, Server};
use stub::{CloudBucketMount, Secret};

#[derive(Debug, Parser)]
struct Arguments {
    /// A bucket of yours, instead of one on a server inside this process.
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// The URL of an S3-compatible service.
    #[arg(long, value_name = "URL", requires = "bucket")]
    endpoint_url: Option<String>,
    /// Address the bucket as endpoint/bucket instead of bucket.endpoint.
    #[arg(long, requires = "bucket")]
    force_path_style: bool,
    /// The bucket's region; found by asking the bucket if absent.
    #[arg(long, requires = "bucket")]
    region: Option<String>,
}

/// Bucket chosen in `main`. The expressions of `volumes` are evaluated in the same process, at each
/// call.
static CHOSEN: OnceLock<Chosen> = OnceLock::new();

enum Chosen {
    Local(Server),
    Real(Arguments, String),
}

/// Parses the command line and returns the name of the bucket.
pub fn choose() -> String {
    let mut arguments = Arguments::parse();
    let (chosen, name) = match arguments.bucket.take() {
        Some(name) => (Chosen::Real(arguments, name.clone()), name),
        None => (Chosen::Local(server()), "examples".to_owned()),
    };
    CHOSEN.get_or_init(|| chosen);
    name
}

/// Returns whether the bucket is on the server inside this process, which an example may fill.
#[allow(dead_code, reason = "not every example asks")]
pub fn is_local() -> bool {
    matches!(CHOSEN.get(), Some(Chosen::Local(_)))
}

/// Returns the volume.
pub fn mount() -> CloudBucketMount {
    match CHOSEN.get() {
        None => panic!("`bucket::choose` comes first"),
        Some(Chosen::Local(server)) => CloudBucketMount::new("examples")
            .bucket_endpoint_url(server.endpoint_url())
            .force_path_style(true)
            .secret(Secret::from_dict([
                ("AWS_ACCESS_KEY_ID", server.access_key_id()),
                ("AWS_SECRET_ACCESS_KEY", server.secret_access_key()),
            ])),
        Some(Chosen::Real(arguments, name)) => {
            let mut mount =
                CloudBucketMount::new(name).force_path_style(arguments.force_path_style);
            if let Some(url) = &arguments.endpoint_url {
                mount = mount.bucket_endpoint_url(url);
            }
            if let Some(region) = &arguments.region {
                mount = mount.region(region);
            }
            mount
        }
    }
}

fn server() -> Server {
    let server = S3Local::builder().start();
    server.create_bucket("examples");
    server.put("examples", "hello.txt", "Hello from a bucket.\n");
    server.put("examples", "poems/ozymandias.txt", OZYMANDIAS);
    server.put("examples", "poems/short.txt", "to be or not to be\n");
    server
}

const OZYMANDIAS: &str = "\
I met a traveller from an antique land,
Who said, \u{2014} \u{201c}Two vast and trunkless legs of stone
Stand in the desert.
";
