//! The option that says where calls are run.

use clap::{Arg, ArgMatches};

use crate::engines::choose;
use crate::options::EngineName;

/// The name of the option.
pub(super) const NAME: &str = "engine";

/// The option.
pub(super) fn argument() -> Arg {
    Arg::new(NAME)
        .long(NAME)
        .value_name("NAME")
        .value_parser(|name: &str| name.parse::<EngineName>())
        .help("Run it there: local, or a cluster of `[engine]` in stub.toml, such as slurm")
        .help_heading("Where it is run")
}

/// Has calls run where the command line says.
pub(super) fn choose_as(arguments: &ArgMatches) {
    if let Some(name) = arguments.get_one::<EngineName>(NAME) {
        choose(*name);
    }
}
