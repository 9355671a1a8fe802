//! Telemetry options of a command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, ArgMatches};

use super::exit::Failure;
use crate::observe::watch::{Seeing, address};

const SUMMARY: &str = "summary";
const REPORT: &str = "report";
const METRICS: &str = "metrics";

/// The names of all of them.
pub(super) const NAMES: [&str; 3] = [SUMMARY, REPORT, METRICS];

/// Returns the options.
pub(super) fn arguments() -> [Arg; 3] {
    [
        Arg::new(SUMMARY)
            .long(SUMMARY)
            .action(ArgAction::SetTrue)
            .help("Print elapsed time, requests, bytes and their list price at the end"),
        Arg::new(REPORT)
            .long(REPORT)
            .value_name("FILE")
            .value_parser(PathBufValueParser::new())
            .help("Write a page about the run to this file: inputs, retries, throughput and requests over time"),
        Arg::new(METRICS)
            .long(METRICS)
            .value_name("ADDRESS")
            .value_parser(address)
            .help("Serve Prometheus metrics at this address during the run, such as 127.0.0.1:9091"),
    ]
    .map(|argument| argument.help_heading("Observation"))
}

/// Starts the requested telemetry.
pub(super) fn begin(arguments: &ArgMatches) -> Result<(), Failure> {
    let seeing = Seeing {
        summary: arguments.get_flag(SUMMARY),
        report: arguments.get_one::<PathBuf>(REPORT).cloned(),
        metrics: arguments.get_one::<SocketAddr>(METRICS).copied(),
    };
    seeing.begin().map_err(Failure::usage)
}
