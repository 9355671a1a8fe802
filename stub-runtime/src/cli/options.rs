//! Options that `stub` and the command line of a program's functions have in common.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgMatches, Args, FromArgMatches};

use super::exit::CommandFailure;
use crate::declare::EngineName;
use crate::engines::choose;
use crate::observe::watch::{Seeing, address};

/// Options for observing a run.
#[derive(Clone, Debug, Args)]
pub struct SeeingArguments {
    /// Print elapsed time, requests, bytes and their list price at the end
    #[arg(long, help_heading = OBSERVATION)]
    summary: bool,
    /// Write a page about the run to this file: attempts, throughput and requests over time
    #[arg(long, value_name = "FILE", help_heading = OBSERVATION)]
    report: Option<PathBuf>,
    /// Serve Prometheus metrics at this address during the run, such as 127.0.0.1:9091
    #[arg(long, value_name = "ADDRESS", value_parser = address, help_heading = OBSERVATION)]
    metrics: Option<SocketAddr>,
}

const OBSERVATION: &str = "Observation";

/// Option that selects the engine of a run.
#[derive(Clone, Copy, Debug, Args)]
pub struct EngineArguments {
    /// Run on this engine: `local`, or a cluster of `[engine]` in stub.toml, such as `slurm`
    #[arg(long, value_name = "NAME", value_parser = EngineName::from_str)]
    engine: Option<EngineName>,
}

/// Option that selects the form of the output.
#[derive(Clone, Copy, Debug, Args)]
pub struct FormArguments {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Argument that names a call on a cluster.
#[derive(Clone, Debug, Args)]
pub struct CallArguments {
    /// Call ID, as printed by `stub jobs calls`
    pub id: String,
}

impl SeeingArguments {
    /// Starts the requested telemetry.
    ///
    /// # Errors
    /// The file can't be written, or the address can't be used; the error names it.
    pub fn begin(&self) -> Result<(), String> {
        let seeing = Seeing {
            summary: self.summary,
            report: self.report.clone(),
            metrics: self.metrics,
        };
        seeing.begin()
    }
}

impl EngineArguments {
    /// Sets the engine for all calls of this process.
    pub fn choose(self) {
        if let Some(name) = self.engine {
            choose(name);
        }
    }
}

/// Returns the options of a type that its command has defined.
pub(super) fn given<T: FromArgMatches>(arguments: &ArgMatches) -> Result<T, CommandFailure> {
    T::from_arg_matches(arguments).map_err(|error| CommandFailure::usage(error.to_string()))
}
