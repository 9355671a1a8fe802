//! Command line, made of the functions and their arguments.

use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, Args, Command};

use super::names;
use super::options::{CallArguments, EngineArguments, FormArguments, SeeingArguments};
use crate::codec::ParseError;
use crate::declare::{Function, Parameter};

/// Name of the option with inputs to map over.
pub(super) const INPUTS: &str = "inputs";
/// Name of the option that requests values as they are ready.
pub(super) const UNORDERED: &str = "unordered";
/// Name of the option with a file for the value.
pub(super) const WRITE_RESULT: &str = "write-result";

/// Form of an option, by the type of its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Required, once.
    One,
    /// Optional, once.
    Optional,
    /// Any number of times.
    Many,
    /// Flag.
    Flag,
}

/// Builds the whole command line.
pub(super) fn command() -> Command {
    let run = Command::new("run")
        .about("Run a function in its sandbox")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_value_name("NAME")
        .subcommand_help_heading("Functions")
        .disable_help_subcommand(true)
        .subcommands(
            names::all()
                .into_iter()
                .map(|(name, function)| of(name, function)),
        );
    Command::new(program())
        .about("Run functions of this program in sandboxes in which buckets are folders")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(with::<FormArguments>("list").about("List the functions"))
        .subcommand(run)
        .subcommand(
            with::<CallArguments>("attach")
                .about("Reattach to a call on a cluster that an earlier process started"),
        )
        .subcommand(
            observed(Command::new("serve"))
                .about("Run scheduled functions at their times, until SIGINT or SIGTERM"),
        )
        .subcommand(
            with::<FormArguments>("mounts").about("List the buckets that the functions declare"),
        )
        .subcommand(
            Command::new("policy").about("Print the least IAM policy for all declared buckets"),
        )
        .subcommand(
            with::<FormArguments>("doctor")
                .about("Check that this machine and the buckets have what calls need"),
        )
}

/// Returns a command that has these options.
fn with<T: Args>(name: &'static str) -> Command {
    T::augment_args(Command::new(name))
}

/// Adds the options of a command that runs functions.
fn observed(command: Command) -> Command {
    SeeingArguments::augment_args(EngineArguments::augment_args(command))
}

fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_name();
    name.map_or_else(
        || "program".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Builds the command that runs a function.
fn of(name: String, function: &'static Function) -> Command {
    let documentation = function.documentation.trim();
    let brief = documentation.split("\n\n").next().unwrap_or_default();
    let arguments = Command::new(name).args(function.parameters.iter().map(argument));
    let command = with_own(arguments).about(brief.replace('\n', " "));
    if documentation.contains('\n') {
        command.long_about(documentation.to_owned())
    } else {
        command
    }
}

/// Adds our own options of a command that runs a function.
fn with_own(command: Command) -> Command {
    observed(
        command
            .arg(
                Arg::new(INPUTS)
                    .long(INPUTS)
                    .value_name("FILE")
                    .value_parser(PathBufValueParser::new())
                    .help("Call the function for each line of this file, which is JSON (`-`: standard input)")
                    .help_heading("Many inputs"),
            )
            .arg(
                Arg::new(UNORDERED)
                    .long(UNORDERED)
                    .action(ArgAction::SetTrue)
                    .requires(INPUTS)
                    .help("Print values as they are ready instead of in the order of the inputs")
                    .help_heading("Many inputs"),
            )
            .arg(
                Arg::new(WRITE_RESULT)
                    .long(WRITE_RESULT)
                    .value_name("FILE")
                    .value_parser(PathBufValueParser::new())
                    .help("Write the value to this file instead of printing it"),
            ),
    )
}

fn argument(parameter: &'static Parameter) -> Arg {
    let shape = shape(parameter.ty);
    let argument = Arg::new(id(parameter))
        .long(option(parameter.name))
        .value_name(parameter.ty)
        .allow_hyphen_values(true)
        .help_heading("Arguments")
        .conflicts_with(INPUTS);
    match shape {
        Shape::One => argument.required_unless_present(INPUTS),
        Shape::Optional => argument,
        Shape::Many => argument.action(ArgAction::Append),
        Shape::Flag => argument
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
    }
}

/// Returns the name of an argument in the command line, which none of our own options has.
pub(super) fn id(parameter: &Parameter) -> String {
    format!("argument {}", parameter.name)
}

/// Returns the option of an argument. Our own options keep their names.
pub(super) fn option(parameter: &str) -> String {
    let option = parameter.replace('_', "-");
    let own = with_own(Command::new(""));
    let mut taken = own.get_arguments().filter_map(Arg::get_long);
    if option == "help" || taken.any(|name| name == option) {
        format!("argument-{option}")
    } else {
        option
    }
}

/// Returns whether an argument is a flag, which is absent if it is not given.
pub(super) fn is_flag(parameter: &Parameter) -> bool {
    shape(parameter.ty) == Shape::Flag
}

/// Returns the error text for an invalid argument.
pub(super) fn wrong(function: &Function, error: &ParseError) -> String {
    let ParseError { argument, reason } = error;
    match function.parameters.get(*argument) {
        Some(parameter) => format!(
            "`--{}`, of type `{}`: {reason}",
            option(parameter.name),
            parameter.ty
        ),
        None => reason.clone(),
    }
}

/// Returns the form of an option, by the tokens of its type. An alias with another name counts as required.
fn shape(ty: &str) -> Shape {
    let path = ty.split('<').next().unwrap_or_default().trim();
    match path.rsplit("::").next().unwrap_or_default().trim() {
        "bool" => Shape::Flag,
        "Option" => Shape::Optional,
        "Vec" | "VecDeque" | "BTreeSet" | "HashSet" => Shape::Many,
        _ => Shape::One,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_says_how_often_an_option_is_given() {
        for (ty, expected) in [
            ("u64", Shape::One),
            ("bool", Shape::Flag),
            ("Option<Vec<u8>>", Shape::Optional),
            ("std::option::Option<u8>", Shape::Optional),
            ("std::vec::Vec<String>", Shape::Many),
            ("MyVec", Shape::One),
        ] {
            assert_eq!(shape(ty), expected, "{ty}");
        }
    }

    #[test]
    fn our_own_options_keep_their_names() {
        assert_eq!(option("max_size"), "max-size");
        for name in ["help", "inputs", "engine", "report"] {
            assert_eq!(option(name), format!("argument-{name}"));
        }
    }

    #[test]
    fn arguments_may_have_the_names_of_our_own_options() {
        static PARAMETERS: [Parameter; 2] = [
            Parameter {
                name: "inputs",
                ty: "u64",
            },
            Parameter {
                name: "engine",
                ty: "bool",
            },
        ];
        let command = with_own(Command::new("f").args(PARAMETERS.iter().map(argument)));
        command.debug_assert();
    }
}
