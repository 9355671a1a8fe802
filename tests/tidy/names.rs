//! Type names that mean one thing in a crate.

use std::collections::BTreeMap;

use crate::none;
use crate::source::{CRATES, Module, modules};

/// Definitions of a type name in one crate, from which readers no longer know which one is meant.
const TOO_MANY: usize = 3;

#[test]
fn a_type_name_is_not_defined_again_and_again() {
    let mut violations = Vec::new();
    for name in CRATES {
        for (defined, files) in definitions(&modules(name)) {
            if files.len() >= TOO_MANY {
                violations.push(format!("{name}: {defined} in {}", files.join(", ")));
            }
        }
    }
    none("a type name has too many meanings", &violations);
}

/// Files that define each type name.
fn definitions(modules: &[Module]) -> BTreeMap<String, Vec<&str>> {
    let mut definitions: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for module in modules.iter().filter(|module| !is_stand_in(&module.file)) {
        for name in module.code.lines().filter_map(defined) {
            definitions
                .entry(name.to_owned())
                .or_default()
                .push(&module.file);
        }
    }
    definitions
}

/// Returns whether a file stands in for another one where a feature is off: its names are those of the other.
fn is_stand_in(file: &str) -> bool {
    file.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with("no_"))
}

/// Returns the name of the type that a line defines for its module. Associated types are indented.
fn defined(line: &str) -> Option<&str> {
    if line.starts_with(' ') {
        return None;
    }
    let mut words = line
        .split_whitespace()
        .skip_while(|word| word.starts_with("pub") || word.contains("::"));
    let is_type = ["struct", "enum", "trait", "type", "union"].contains(&words.next()?);
    let name = words.next().filter(|_| is_type)?;
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
    Some(&name[..end.unwrap_or(name.len())])
}

#[test]
fn definitions_are_found() {
    assert_eq!(defined("struct State {"), Some("State"));
    assert_eq!(defined("pub(crate) enum Next<'a> {"), Some("Next"));
    assert_eq!(
        defined("pub(in crate::store) type Bucket = Retrying<S3Store>;"),
        Some("Bucket")
    );
    assert_eq!(defined("    type Err = Error;"), None);
    assert_eq!(defined("impl Trait for Type {"), None);
}
