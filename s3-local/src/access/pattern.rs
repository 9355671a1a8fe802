//! Patterns of policies: `*` for any text, `?` for any one byte.

/// Returns whether `text` matches `pattern`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to resume when the text after the last star does not fit: one byte further.
    let mut resume = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                resume = Some((p + 1, t + 1));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, next)) = resume else {
                    return false;
                };
                (p, t) = (after_star, next);
                resume = Some((after_star, next + 1));
            }
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_text() {
        assert!(matches("*", ""));
        assert!(matches("a*", "a/b/c"));
        assert!(matches("*b*d", "abcbcd"));
        assert!(matches("b/logs/*", "b/logs/"));
        assert!(matches("a**", "a"));
        assert!(!matches("b/logs/*", "b/log"));
        assert!(!matches("*b", "abc"));
        assert!(!matches("", "a"));
    }

    #[test]
    fn a_question_mark_stands_for_one_byte() {
        assert!(matches("b?d", "bad"));
        assert!(!matches("b?d", "bd"));
    }
}
