//! Names of functions on a command line.

use crate::declare::{FUNCTIONS, Function, registry};

/// Returns the functions with their names, sorted. A name is the short one if no other function has it.
pub(super) fn all() -> Vec<(String, &'static Function)> {
    let mut all: Vec<_> = FUNCTIONS
        .iter()
        .map(|function| (name(function), function))
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

fn name(function: &'static Function) -> String {
    let mut same = FUNCTIONS.iter().filter(|other| other.name == function.name);
    match (same.next(), same.next()) {
        (Some(_), Some(_)) => registry::name(function),
        _ => function.name.to_owned(),
    }
}

/// Returns the function of that name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    all()
        .into_iter()
        .find_map(|(other, function)| (other == name).then_some(function))
}
