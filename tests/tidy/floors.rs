//! Floors of the two large crates, as `docs/architecture.md` draws them: a module names only modules of floors
//! below its own.

use crate::cycles::by_folder;
use crate::imports::Crate;
use crate::none;
use crate::source::{modules, read};

#[test]
fn imports_go_down() {
    let document = read("docs/architecture.md");
    let mut violations = Vec::new();
    for name in ["s3fs-core", "stub-runtime"] {
        let floors = floors(&document, name);
        let of = |module: &str| floors.iter().position(|floor| floor.contains(&module));
        let folders = by_folder(&Crate::new(modules(name)).arrows());
        for ((from, to), example) in &folders[&Vec::new()] {
            match (of(from), of(to)) {
                (Some(above), Some(below)) if above < below => {}
                (None, _) => violations.push(format!("{name}: `{from}` is on no floor")),
                (_, None) => violations.push(format!("{name}: `{to}` is on no floor")),
                _ => violations.push(format!("{name}: {from} → {to}: {example}")),
            }
        }
    }
    violations.dedup();
    none(
        "a module names one that is not on a floor below",
        &violations,
    );
}

/// Modules at the root of a crate, from the top floor down: the lines of the first fenced block under the
/// heading that names the crate.
fn floors<'a>(document: &'a str, name: &str) -> Vec<Vec<&'a str>> {
    let under = document
        .split("\n## ")
        .find(|section| section.starts_with(&format!("`{name}`")));
    let block = under.and_then(|section| section.split("```").nth(1));
    let lines = block.unwrap_or_default().lines().skip(1);
    lines
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn floors_are_read_from_the_document() {
    let document = "# A\n## `x`\ntext\n```text\ntop\na  b\n```\n## `y`\n";
    assert_eq!(floors(document, "x"), [vec!["top"], vec!["a", "b"]]);
    assert!(floors(document, "y").is_empty());
}
