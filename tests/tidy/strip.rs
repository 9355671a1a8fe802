//! Rust text without what is no code of the product: comments, contents of literals, items for tests.

/// Blanks comments and the contents of string and character literals. Lines keep their numbers and lengths.
pub(crate) fn literals(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, is_code) = token(rest, first);
        let (token, after) = rest.split_at(length);
        if is_code {
            out.push_str(token);
        } else {
            out.extend(token.chars().map(|c| if c == '\n' { c } else { ' ' }));
        }
        rest = after;
    }
    out
}

/// Length of the first token in bytes, and whether it is code.
fn token(rest: &str, first: char) -> (usize, bool) {
    let one = (first.len_utf8(), true);
    match first {
        '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
        '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |end| end + 2), false),
        '"' => (quoted(rest, '"'), false),
        'r' if rest.starts_with("r\"") || rest.starts_with("r#") => {
            raw(rest).map_or(one, |length| (length, false))
        }
        '\'' => character(rest).map_or(one, |length| (length, false)),
        // A name that ends in `r`, or a byte string, is no beginning of a raw string.
        _ if first.is_alphanumeric() || first == '_' => {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let end = end.unwrap_or(rest.len());
            let is_prefix = rest[end..].starts_with('"') || rest[end..].starts_with("#\"");
            match (is_prefix, &rest[..end]) {
                (true, "br" | "cr") => (1, true),
                _ => (end, true),
            }
        }
        _ => one,
    }
}

/// Length of a literal with escapes that begins with its quotation mark.
fn quoted(rest: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == mark => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw(rest: &str) -> Option<usize> {
    let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
    let body = rest[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end)?;
    Some(1 + hashes + 1 + length + end.len())
}

/// Length of a character literal; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return Some(quoted(rest, '\''));
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 1)
}

/// Blanks the items that `#[cfg(test)]` marks.
pub(crate) fn test_items(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let (before, item) = rest.split_at(at);
        out.push_str(before);
        let (item, after) = item.split_at(MARK.len() + item_length(&item[MARK.len()..]));
        out.extend(item.chars().filter(|c| *c == '\n'));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Length of an item in bytes: to the end of its block, or to its semicolon.
fn item_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[test]
fn comments_literals_and_tests_are_no_code() {
    let text = "let a = \"crate::x\"; // crate::y\nlet b = 'c'; fn f<'a>() {}\nr#\"crate::z\"#;\n";
    let code = literals(text);
    assert!(!code.contains("crate"), "{code}");
    assert!(code.contains("fn f<'a>() {}"), "{code}");
    assert_eq!(code.lines().count(), text.lines().count());
    let code = test_items("a\n#[cfg(test)]\nmod t {\n fn x() {}\n}\nb\n#[cfg(test)]\nmod u;\nc\n");
    assert_eq!(code.split_whitespace().collect::<String>(), "abc");
}
