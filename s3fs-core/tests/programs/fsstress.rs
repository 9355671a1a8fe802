//! `fsstress` of xfstests: random operations of many processes on one tree, and the bytes that are
//! sent for them.
//!
//! Runs only if `STUB_FSSTRESS` names the program, with the arguments `STUB_FSSTRESS_ARGUMENTS`. Its
//! files have holes of up to a gigabyte, which the comparison of the objects reads.

use std::process::Command;

use s3_local::{Operation, RequestLog};

use crate::place::Place;
use crate::run::finish;

/// Arguments by default: few processes, so that all files can be read again.
const ARGUMENTS: &str = "-p 2 -n 100 -s 3";

/// Returns the number of requests of an operation, and the bytes of their bodies.
fn sent(log: &RequestLog, operation: Operation) -> (u64, u64) {
    let requests = log.requests();
    let bodies = requests
        .iter()
        .filter(|request| request.operation == operation);
    let bytes = bodies.filter_map(|request| request.body_length).sum();
    (log.count(operation), bytes)
}

#[test]
#[allow(clippy::print_stdout, reason = "a measurement")]
fn objects_are_right_after_random_operations() {
    let Some(program) = std::env::var_os("STUB_FSSTRESS") else {
        return println!("skipped: STUB_FSSTRESS names no program");
    };
    let arguments = std::env::var("STUB_FSSTRESS_ARGUMENTS");
    let arguments = arguments.unwrap_or_else(|_| ARGUMENTS.to_owned());
    let place = Place::new();
    let folder = place.at("tree");
    std::fs::create_dir(&folder).unwrap();
    let mut command = Command::new(program);
    command.args(arguments.split_whitespace());
    finish(command.arg("-d").arg(folder));
    place.settle();
    if let Some(server) = place.server() {
        for operation in [
            Operation::PutObject,
            Operation::UploadPart,
            Operation::UploadPartCopy,
        ] {
            let (count, bytes) = sent(server.log(), operation);
            println!("{operation:?}: {count} requests, {} MB", bytes / 1_000_000);
        }
    }
    if std::env::var_os("STUB_FSSTRESS_ARGUMENTS").is_none() {
        place.check_fresh();
    }
}
