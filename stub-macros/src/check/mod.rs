//! Checks of all rules on the whole input, so that the user gets all errors at once.

mod item;
mod path;
mod types;

use std::collections::HashSet;

pub(crate) use self::item::item;
use crate::args::Args;
use crate::diagnostic::{self, Errors};

/// Checks the arguments of the attribute.
pub(crate) fn args(args: &Args, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for volume in &args.volumes {
        let path = volume.key.value();
        if let Err(problem) = path::check(&path) {
            errors.push(diagnostic::at(
                volume.key.span(),
                problem.message,
                problem.help,
            ));
        }
        if !seen.insert(path.clone()) {
            errors.push(diagnostic::at(
                volume.key.span(),
                format!("something is already mounted at `{path}`"),
                "give each volume a path of its own",
            ));
        }
    }
    if let Some(name) = &args.name {
        let text = name.value();
        if !is_name(&text) {
            errors.push(diagnostic::at(
                name.span(),
                format!("`{text}` can't be the name of a function on a command line"),
                "write letters, digits, `_`, `-` and `.`, such as `resize-image`",
            ));
        }
    }
    let mut seen = HashSet::new();
    for variable in &args.env {
        let name = variable.key.value();
        if name.is_empty() || name.contains(['=', '\0']) {
            errors.push(diagnostic::at(
                variable.key.span(),
                format!("`{name}` can't be the name of a variable"),
                "write a name such as `RUST_LOG`",
            ));
        }
        if !seen.insert(name.clone()) {
            errors.push(diagnostic::at(
                variable.key.span(),
                format!("the variable `{name}` is given twice"),
                "write it once",
            ));
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_') && text.chars().all(is_plain)
}
