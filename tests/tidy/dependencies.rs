//! Licences, sources, duplicates and number of the crates that ours depend on. They are the checks of `cargo deny`,
//! which takes minutes to build, but for its database of vulnerabilities.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::none;
use crate::source::root;

/// Licences under which a crate may be used; of alternatives, one is enough.
const LICENCES: [&str; 8] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Registry of all crates that are not of this workspace.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that the program `stub` has in several versions, because its dependencies ask for them.
const TWICE: [&str; 11] = [
    "base64",
    "block-buffer",
    "cpufeatures",
    "crypto-common",
    "digest",
    "getrandom",
    "hashbrown",
    "rand_core",
    "sha1",
    "syn",
    "tower-http",
];

/// Maximum number of crates that a function with a bucket compiles.
const LIBRARY: usize = 218;

/// Maximum number of crates that `cargo run --example ls_bucket` compiles.
const EXAMPLE: usize = 250;

/// Output of a cargo command about this workspace, without network.
fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(root());
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Packages for this machine, with all features.
fn packages() -> Vec<Value> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let text = cargo(&[
        "metadata",
        "--format-version=1",
        "--all-features",
        "--filter-platform",
        &platform,
    ]);
    let mut metadata: Value = serde_json::from_str(&text).unwrap();
    match metadata["packages"].take() {
        Value::Array(packages) => packages,
        other => panic!("{other}"),
    }
}

#[test]
fn licences_and_sources_are_known() {
    let mut violations = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or_default();
        if !is_allowed(licence) {
            violations.push(format!("{name}: licence `{licence}`"));
        }
        if let Some(source) = package["source"].as_str()
            && source != REGISTRY
        {
            violations.push(format!("{name}: from {source}"));
        }
    }
    none("a crate has another licence or source", &violations);
}

/// Returns whether an SPDX expression has an alternative of which all licences are allowed.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace(" / ", " OR ").replace('/', " OR ");
    let all_of = |text: &str| {
        text.split(" AND ").all(|part| match part.trim() {
            group if group.starts_with('(') => is_allowed(group.trim_matches(['(', ')'])),
            licence => LICENCES.contains(&licence),
        })
    };
    // Alternatives within parentheses belong to a part of the others.
    if expression.contains('(') {
        return all_of(&expression);
    }
    expression.split(" OR ").any(all_of)
}

/// Names and versions of the crates that a package compiles for others, itself included.
fn tree(arguments: &[&str]) -> BTreeSet<String> {
    let text = cargo(&[&["tree", "--prefix=none"], arguments].concat());
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect()
}

#[test]
fn no_crate_has_several_versions_without_need() {
    let crates = tree(&[
        "--package=stub-cli",
        "--all-features",
        "--edges=normal,build",
    ]);
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, version) in crates.iter().filter_map(|line| line.split_once(' ')) {
        versions.entry(name).or_default().push(version);
    }
    let mut violations = Vec::new();
    for (name, versions) in &versions {
        if versions.len() > 1 && !TWICE.contains(name) {
            violations.push(format!("{name}: {}", versions.join(", ")));
        }
    }
    for name in TWICE {
        if versions.get(name).is_none_or(|versions| versions.len() < 2) {
            violations.push(format!("{name}: has one version; take it off the list"));
        }
    }
    none("a crate is compiled twice", &violations);
}

#[test]
fn a_function_with_a_bucket_compiles_few_crates() {
    let library = tree(&["--package=stub", "--edges=normal,build"]).len();
    let example = tree(&["--package=stub"]).len();
    assert!(
        library <= LIBRARY && example <= EXAMPLE,
        "{library} crates, and {example} for the examples"
    );
}

#[test]
fn expressions_of_licences_are_understood() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "MIT AND Zlib",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
    ] {
        assert!(is_allowed(good), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0"] {
        assert!(!is_allowed(bad), "{bad}");
    }
}
