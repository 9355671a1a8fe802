//! Documents tell the truth about the repository: the files, modules and tests that they name exist.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use crate::none;
use crate::source::{files, read, root};

/// Folders and files at the top of the repository that documents name paths from.
const TOPS: [&str; 13] = [
    "s3fs-core/",
    "stub-runtime/",
    "stub-macros/",
    "stub-cli/",
    "s3-local/",
    "test-support/",
    "benches/",
    "docs/",
    "examples/",
    "scripts/",
    "tests/",
    ".ci/",
    "./",
];

/// Functions that the macro makes of a user's function.
const GENERATED: [&str; 2] = ["for_each", "spawn_map"];

#[test]
fn files_that_documents_name_exist() {
    let mut violations = Vec::new();
    for document in files(&["md"]) {
        let text = read(&document);
        let folder = Path::new(&document).parent().unwrap();
        let quoted = quoted(&text)
            .into_iter()
            .filter(|name| is_path(name))
            .map(|name| (root().join(name), name));
        let linked = links(&text)
            .into_iter()
            .map(|name| (root().join(folder).join(name), name));
        for (path, name) in quoted.chain(linked) {
            if !path.exists() {
                violations.push(format!("{document}: {name}"));
            }
        }
    }
    none("a document names a file that does not exist", &violations);
}

#[test]
fn tests_and_modules_that_documents_name_exist() {
    let known = Known::read();
    let mut violations = Vec::new();
    for document in files(&["md"]) {
        for name in quoted(&read(&document)) {
            if is_module_path(name) && !known.has(name) {
                violations.push(format!("{document}: {name}"));
            }
        }
    }
    none(
        "a document names a test or a module that does not exist",
        &violations,
    );
}

#[test]
fn every_document_is_linked_from_another() {
    let mut linked = BTreeSet::new();
    for document in files(&["md"]) {
        for target in links(&read(&document)) {
            let folder = Path::new(&document).parent().unwrap();
            let target = plain(&folder.join(target));
            if target != document {
                linked.insert(target);
            }
        }
    }
    let documents = files(&["md"]).into_iter();
    let violations: Vec<_> = documents
        .filter(|document| document.starts_with("docs/") && !linked.contains(document))
        .collect();
    none("no other document links to a document", &violations);
}

/// Path without `..`, from the root of the repository.
fn plain(path: &Path) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.iter().filter_map(OsStr::to_str) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Texts between backticks, outside of fenced blocks.
fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .collect()
}

/// Targets of links to files of the repository.
fn links(text: &str) -> Vec<&str> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next());
    targets
        .filter(|target| !target.is_empty() && !target.contains(':'))
        .collect()
}

fn is_path(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    TOPS.iter().any(|top| name.starts_with(top)) && name.chars().all(is_plain)
}

/// Names of modules or tests joined by `::`; a type or a method is none.
fn is_module_path(name: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let last = name.rsplit("::").next().unwrap_or_default();
    name.contains("::")
        && name.split("::").all(is_plain)
        && (last.contains('_') || last == "tests")
        && !GENERATED.contains(&last)
}

/// Functions and modules of the workspace, each with the names of the folders and files above it.
struct Known(BTreeSet<Vec<String>>);

impl Known {
    fn read() -> Self {
        let mut known = BTreeSet::new();
        for file in files(&["rs"]) {
            let stem = file.trim_end_matches(".rs").trim_end_matches("/mod");
            let above: Vec<String> = stem.split('/').map(str::to_owned).collect();
            known.insert(above.clone());
            for line in read(&file).lines() {
                let mut words = line
                    .split([' ', '(', '<', '{'])
                    .filter(|word| !word.is_empty());
                if let Some("fn" | "mod") = words.find(|word| ["fn", "mod"].contains(word))
                    && let Some(name) = words.next()
                {
                    known.insert([above.as_slice(), &[name.to_owned()]].concat());
                }
            }
        }
        Self(known)
    }

    /// Returns whether something has the last name, below folders and files that have the others in order.
    fn has(&self, name: &str) -> bool {
        let parts: Vec<&str> = name.split("::").collect();
        let (last, above) = parts.split_last().unwrap();
        self.0.iter().any(|known| {
            let (name, folders) = known.split_last().unwrap();
            let mut folders = folders.iter();
            // A module within a file has no folder.
            let is_inside = |part: &&str| *part == "tests" || folders.any(|folder| folder == part);
            name == last && above.iter().all(is_inside)
        })
    }
}

#[test]
fn names_in_documents_are_recognised() {
    assert_eq!(plain(Path::new("docs/../a/./b.md")), "a/b.md");
    assert_eq!(quoted("a `b` c\n```\n`no`\n```\n`d`"), ["b", "d"]);
    assert_eq!(links("[a](b.md#c) [d](https://e)"), ["b.md"]);
    assert!(is_path("docs/guide.md") && !is_path("/dev/fuse"));
    assert!(is_module_path("fs::tests") && is_module_path("vendors::a_test"));
    assert!(!is_module_path("Fs::moving") && !is_module_path("f::map"));
}
