//! Command line, made of the functions and their arguments.

use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, Command};

use super::{engine, names, seeing};
use crate::codec::ParseError;
use crate::declare::{Function, Parameter};

/// Name of the option with inputs to map over.
pub(super) const INPUTS: &str = "inputs";
/// Name of the option that requests values as they are ready.
pub(super) const UNORDERED: &str = "unordered";
/// Name of the option with a file for the value.
pub(super) const WRITE_RESULT: &str = "write-result";
/// Name of the argument with the id of a call.
pub(super) const ID: &str = "id";

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
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Print JSON");
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
        .subcommand(
            Command::new("list")
                .about("List the functions")
                .arg(json.clone()),
        )
        .subcommand(run)
        .subcommand(
            Command::new("attach")
                .about("Reattach to a call on a cluster that an earlier process started")
                .arg(Arg::new(ID).value_name("ID").required(true)),
        )
        .subcommand(
            Command::new("serve")
                .about("Run scheduled functions at their times, until SIGINT or SIGTERM")
                .arg(engine::argument())
                .args(seeing::arguments()),
        )
        .subcommand(
            Command::new("mounts")
                .about("List the buckets that the functions declare")
                .arg(json.clone()),
        )
        .subcommand(
            Command::new("policy").about("Print the least IAM policy for all declared buckets"),
        )
        .subcommand(
            Command::new("doctor")
                .about("Check that this machine and the buckets have what calls need")
                .arg(json),
        )
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
    let mut command = Command::new(name)
        .about(brief.replace('\n', " "))
        .args(function.parameters.iter().map(argument))
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
        )
        .arg(engine::argument())
        .args(seeing::arguments());
    if documentation.contains('\n') {
        command = command.long_about(documentation.to_owned());
    }
    command
}

fn argument(parameter: &'static Parameter) -> Arg {
    let shape = shape(parameter.ty);
    let argument = Arg::new(parameter.name)
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

/// Returns the option of an argument. Our own options keep their names.
pub(super) fn option(parameter: &str) -> String {
    let option = parameter.replace('_', "-");
    match option.as_str() {
        INPUTS | UNORDERED | WRITE_RESULT | engine::NAME | "help" => format!("argument-{option}"),
        taken if seeing::NAMES.contains(&taken) => format!("argument-{option}"),
        _ => option,
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
        assert_eq!(option("inputs"), "argument-inputs");
    }
}
