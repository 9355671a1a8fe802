//! The option that says where calls are run.

use clap::{Arg, ArgMatches};

use crate::declare::EngineName;
use crate::engines::choose;

/// The name of the option.
pub(super) const NAME: &str = "engine";

/// Returns the option.
pub(super) fn argument() -> Arg {
    Arg::new(NAME)
        .long(NAME)
        .value_name("NAME")
        .value_parser(|name: &str| name.parse::<EngineName>())
        .help("Run on this engine: local, or a cluster of `[engine]` in stub.toml, such as slurm")
        .help_heading("Engine")
}

/// Selects the engine that the command line names.
pub(super) fn choose_as(arguments: &ArgMatches) {
    if let Some(name) = arguments.get_one::<EngineName>(NAME) {
        choose(*name);
    }
}
