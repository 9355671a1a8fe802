//! Tests of the program from its command line, on a server inside the test. They need `/dev/fuse`; those
//! of `mount` need root.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use stub_test_support::{keys, served, with_default_signals};

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
mod options;
mod renewed;
mod run;
mod terminal;
mod warm;

use std::process::Command;

use s3_local::Server;

/// Starts a server with the bucket `data`.
fn server() -> Server {
    served("data", &[("in/hello.txt", "hello")])
}

/// Returns the command to start `stub`.
fn program() -> Command {
    with_default_signals(env!("CARGO_BIN_EXE_stub"))
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
        .envs(keys(server));
    command
}
