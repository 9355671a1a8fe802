//! Tests of the program from its command line, on a server inside the test. They need `/dev/fuse`; those
//! of `mount` need root.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache;
mod ending;
mod errors;
mod help;
mod inspect;
mod jobs;
#[cfg(feature = "kubernetes")]
mod k8s;
mod memory;
mod mount;
mod nightly_backup;
mod run;
mod terminal;

use std::process::Command;

use s3_local::{S3Local, Server};

/// Starts a server with the bucket `data`.
fn server() -> Server {
    let server = S3Local::builder().start();
    server.create_bucket("data");
    server.put("data", "in/hello.txt", "hello");
    server
}

/// Returns the command to start a program with signals as a terminal has them. A shell starts what is
/// in the background with some of them ignored, which would stay so.
fn unignored(program: &str) -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP,INT,QUIT,TERM", program]);
    command
}

/// Returns the command to start `stub`.
fn program() -> Command {
    unignored(env!("CARGO_BIN_EXE_stub"))
}

/// Returns `stub SUBCOMMAND` with the server's credentials in its environment.
fn stub(subcommand: &str, server: &Server) -> Command {
    let mut command = program();
    command
        .arg(subcommand)
        .args([
            "--endpoint-url",
            &server.endpoint_url(),
            "--force-path-style",
        ])
        .env("AWS_ACCESS_KEY_ID", server.access_key_id())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_access_key());
    command
}
