//! Bounds on what a reader must take in at once.

use crate::none;
use crate::source::{files, read};

/// Lines of a file.
const FILE: usize = 500;

/// Lines of a function.
const FUNCTION: usize = 80;

/// Columns of a comment. A row of a table can't be wrapped.
const COMMENT: usize = 120;

/// Lines of the readme.
const README: usize = 150;

/// Words of the document about the architecture.
const ARCHITECTURE: usize = 1500;

/// Characters of a cell in a table of a document.
const CELL: usize = 200;

#[test]
fn files_and_functions_are_short_and_comments_narrow() {
    let mut violations = Vec::new();
    for file in files(&["rs"]) {
        let text = read(&file);
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > FILE {
            violations.push(format!("{file}: {} lines", lines.len()));
        }
        for (at, line) in lines.iter().enumerate() {
            let columns = line.chars().count();
            let is_row = line.trim_start_matches([' ', '/', '!']).starts_with('|');
            if line.trim_start().starts_with("//") && !is_row && columns > COMMENT {
                violations.push(format!("{file}:{}: a comment of {columns} columns", at + 1));
            }
            let length = function(&lines[at..]);
            if length > FUNCTION {
                violations.push(format!("{file}:{}: a function of {length} lines", at + 1));
            }
        }
    }
    none("a file, a function or a comment is too long", &violations);
}

#[test]
fn documents_are_short_and_cells_of_tables_too() {
    let mut violations = Vec::new();
    for document in files(&["md"]) {
        let text = read(&document);
        let (lines, words) = (text.lines().count(), text.split_whitespace().count());
        if document == "README.md" && lines > README {
            violations.push(format!("{document}: {lines} lines"));
        }
        if document == "docs/architecture.md" && words > ARCHITECTURE {
            violations.push(format!("{document}: {words} words"));
        }
        for (at, line) in text.lines().enumerate() {
            let longest = cells(line).map(|cell| cell.chars().count()).max();
            if let Some(length) = longest.filter(|length| *length > CELL) {
                violations.push(format!(
                    "{document}:{}: a cell of {length} characters",
                    at + 1
                ));
            }
        }
    }
    none("a document or a cell of a table is too long", &violations);
}

/// Cells of a row of a table; none for any other line.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    let row = line.trim().strip_prefix('|');
    row.into_iter()
        .flat_map(|row| row.split('|').map(str::trim))
}

/// Lines of the function that begins with the first line; 0 if none does. Formatted code closes a block at
/// the column where its item begins.
fn function(lines: &[&str]) -> usize {
    let first = lines[0];
    let column = first.len() - first.trim_start().len();
    let mut words = first.split_whitespace();
    let qualifiers = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "const",
        "async",
        "unsafe",
        "extern",
        "\"C\"",
    ];
    let is_function = words.find(|word| !qualifiers.contains(word)) == Some("fn");
    if !is_function {
        return 0;
    }
    let closes =
        |line: &&str| line.starts_with(&" ".repeat(column)) && line[column..].starts_with('}');
    // A declaration without a body ends with its semicolon.
    let declared = lines.iter().position(|line| line.ends_with(';'));
    let opened = lines.iter().position(|line| line.ends_with('{'));
    match (lines.iter().position(closes), declared, opened) {
        (Some(end), declared, Some(opened)) if declared.is_none_or(|at| at > opened) => end + 1,
        _ => 0,
    }
}

#[test]
fn functions_are_measured() {
    let lines = [
        "    pub(crate) async fn f(",
        "        a: u8,",
        "    ) {",
        "    }",
        "}",
    ];
    assert_eq!(function(&lines), 4);
    assert_eq!(function(&["    fn g();", "    fn h() {", "    }"]), 0);
    assert_eq!(function(&["struct S {", "}"]), 0);
}

#[test]
fn cells_are_separated() {
    let row: Vec<_> = cells("  | a | b c |").collect();
    assert_eq!(row, ["a", "b c", ""]);
    assert_eq!(cells("a | b").count(), 0);
}
