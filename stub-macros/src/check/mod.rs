//! Every rule, applied to all of the input: the user learns of all mistakes at once.

mod item;
mod path;
mod types;

use std::collections::HashSet;

pub(crate) use self::item::item;
use crate::args::Args;
use crate::diagnostic::{self, Errors};

/// The rules of the attribute's own arguments.
pub(crate) fn args(args: &Args, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for volume in &args.volumes {
        let path = volume.path.value();
        if let Err(problem) = path::check(&path) {
            errors.push(diagnostic::at(
                volume.path.span(),
                problem.message,
                problem.help,
            ));
        }
        if !seen.insert(path.clone()) {
            errors.push(diagnostic::at(
                volume.path.span(),
                format!("something is already mounted at `{path}`"),
                "give each volume a path of its own",
            ));
        }
    }
}
