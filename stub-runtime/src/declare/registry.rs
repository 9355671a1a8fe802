//! Lookup of functions by name.

use super::function::{FUNCTIONS, Function};

/// Returns `module::name`. If functions inside functions share that, it is followed by the location.
pub(crate) fn name(function: &Function) -> String {
    let same = |other: &&Function| other.name == function.name && other.module == function.module;
    let was_chosen = |function: &Function| function.name != function.identifier;
    // A chosen name that another function has is a mistake, and is reported elsewhere.
    let is_mistake = FUNCTIONS.iter().filter(same).any(was_chosen);
    if !is_mistake && FUNCTIONS.iter().filter(same).nth(1).is_some() {
        function.id()
    } else {
        function.path()
    }
}

/// Returns the only function of that name.
///
/// The error is a sentence fragment that follows the name.
pub(crate) fn find(wanted: &str) -> Result<&'static Function, String> {
    one(FUNCTIONS
        .iter()
        .filter(|function| function.path() == wanted || function.id() == wanted))
}

/// Checks that the names of this program's functions are unique. The error is a sentence.
pub(crate) fn check() -> Result<(), String> {
    for function in FUNCTIONS {
        let name = name(function);
        find(&name).map_err(|reason| format!("`{name}` {reason}"))?;
    }
    Ok(())
}

fn one(mut found: impl Iterator<Item = &'static Function>) -> Result<&'static Function, String> {
    match (found.next(), found.next()) {
        (Some(function), None) => Ok(function),
        (Some(first), Some(second)) => Err(format!(
            "is defined twice in one module, at {}:{} and {}:{}; rename one",
            first.location.0, first.location.1, second.location.0, second.location.1
        )),
        (None, _) => Err(
            "is not among this program's functions; the linker has dropped the code it lies in"
                .to_owned(),
        ),
    }
}
