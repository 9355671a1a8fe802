//! Doc comments and documents name their subject: a noun or a verb of the field.

use crate::none;
use crate::source::{files, read};

/// First words that put the subject off.
const FIRST_WORDS: [&str; 12] = [
    "What", "Whoever", "Who", "Whether", "How", "Where", "So many", "So long", "So much", "Of",
    "One of", "Those",
];

/// Phrases of documents that stand for a noun which the reader has to guess.
const PHRASES: [&str; 6] = [
    "what is kept",
    "what was given up",
    "whoever",
    "so many",
    "so long as",
    "of those that",
];

#[test]
fn documents_name_what_they_speak_of() {
    let mut violations = Vec::new();
    for file in files(&["md"]) {
        for (at, line) in read(&file).lines().enumerate() {
            let line = line.to_lowercase();
            let found = PHRASES.iter().filter(|phrase| line.contains(*phrase));
            violations.extend(found.map(|phrase| format!("{file}:{}: {phrase}", at + 1)));
        }
    }
    none("a document paraphrases a noun", &violations);
}

#[test]
fn doc_comments_begin_with_their_subject() {
    let mut violations = Vec::new();
    for file in files(&["rs"]) {
        let text = read(&file);
        let mut before = None;
        for (at, line) in text.lines().enumerate() {
            let here = doc(line);
            if let (None, Some(words)) = (before, here)
                && is_late(words)
            {
                violations.push(format!("{file}:{}: {words}", at + 1));
            }
            before = here;
        }
    }
    none(
        "a doc comment does not begin with a noun or a verb of its subject",
        &violations,
    );
}

/// Text of a line of a doc comment.
fn doc(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"))
}

fn is_late(words: &str) -> bool {
    let words = words.trim_start();
    FIRST_WORDS.iter().any(|first| {
        let rest = words.strip_prefix(first);
        rest.is_some_and(|rest| rest.starts_with(' '))
    })
}

#[test]
fn late_subjects_are_found() {
    assert!(is_late(" So many bytes at once."));
    assert!(is_late(" What a call returns."));
    assert!(!is_late(" Offset of the first byte."));
    assert!(!is_late(" Whoops."));
}
