//! Modules of one folder name each other in one direction only. A folder and what is below it count as one.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Crate, Path};
use crate::none;
use crate::source::{CRATES, modules};

#[test]
fn modules_side_by_side_form_no_cycle() {
    let mut violations = Vec::new();
    for name in CRATES {
        for (folder, arrows) in by_folder(&Crate::new(modules(name)).arrows()) {
            for cycle in cycles(&arrows) {
                let within = format!("{name}: {}", folder.join("::"));
                let examples = examples(&arrows, &cycle);
                violations.push(format!("{within}: {}\n{examples}", cycle.join(", ")));
            }
        }
    }
    none("a module is named by one that it names", &violations);
}

/// Folders whose files share the type of their parent, as `impl Fs` has one for each family of operations.
const ONE_TYPE: [&str; 1] = ["s3fs-core: fs"];

#[test]
fn modules_and_their_parents_form_no_cycle() {
    let mut violations = Vec::new();
    for name in CRATES {
        let arrows = Crate::new(modules(name)).arrows().into_iter();
        let arrows: Arrows = arrows
            .map(|((from, to), example)| ((from.join("::"), to.join("::")), example))
            .collect();
        for cycle in cycles(&arrows) {
            let first = format!("{name}: {}", cycle[0]);
            if !ONE_TYPE.contains(&first.as_str()) {
                violations.push(format!("{first}\n{}", examples(&arrows, &cycle)));
            }
        }
    }
    none(
        "a module and its parent name each other, perhaps through others",
        &violations,
    );
}

/// Arrows between members of a folder, each with an example.
type Arrows = BTreeMap<(String, String), String>;

/// Arrows between the members of each folder.
pub(crate) fn by_folder(arrows: &BTreeMap<(Path, Path), String>) -> BTreeMap<Path, Arrows> {
    let mut folders: BTreeMap<Path, Arrows> = BTreeMap::new();
    for ((from, to), example) in arrows {
        let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        // A folder and one of its own modules are no neighbours.
        if let (Some(a), Some(b)) = (from.get(common), to.get(common)) {
            let folder = folders.entry(from[..common].to_vec()).or_default();
            folder
                .entry((a.clone(), b.clone()))
                .or_insert_with(|| example.clone());
        }
    }
    folders
}

/// Sets of members of which each reaches each other.
fn cycles(arrows: &Arrows) -> Vec<Vec<String>> {
    let members: BTreeSet<&String> = arrows.keys().flat_map(|(a, b)| [a, b]).collect();
    let reach: BTreeMap<_, _> = members
        .iter()
        .map(|from| (*from, reached(arrows, from)))
        .collect();
    let mut found = BTreeSet::new();
    for from in &members {
        let mutual = members
            .iter()
            .filter(|to| reach[*from].contains(**to) && reach[**to].contains(*from));
        let mutual: Vec<String> = mutual.map(|name| (*name).clone()).collect();
        if mutual.len() > 1 {
            found.insert(mutual);
        }
    }
    found.into_iter().collect()
}

fn reached<'a>(arrows: &'a Arrows, from: &str) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        for (_, to) in arrows.keys().filter(|(a, _)| a == at) {
            if reached.insert(to) {
                next.push(to);
            }
        }
    }
    reached
}

fn examples(arrows: &Arrows, cycle: &[String]) -> String {
    let within = arrows
        .iter()
        .filter(|((a, b), _)| cycle.contains(a) && cycle.contains(b));
    let lines: Vec<_> = within
        .map(|((a, b), example)| format!("    {a} → {b}: {example}"))
        .collect();
    lines.join("\n")
}

#[test]
fn a_cycle_is_found() {
    let arrows = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")];
    let arrows = arrows.map(|(a, b)| ((a.to_owned(), b.to_owned()), String::new()));
    assert_eq!(cycles(&arrows.into()), [["a", "b", "c"]]);
}
