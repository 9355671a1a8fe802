//! Errors with their causes, as text.

use std::error::Error;
use std::iter;

/// Returns the text of an error and of its sources, separated by colons. A source is left out if a
/// text before it says the same: errors of other crates repeat their sources.
///
/// ```
/// # use std::io;
/// # use s3fs_core::chain;
/// let error = io::Error::other("no route to host");
/// assert_eq!(chain(&error), "no route to host");
/// ```
pub fn chain(error: &(dyn Error + 'static)) -> String {
    joined(error, ToString::to_string)
}

/// Returns the same text in one line. Errors of other crates may have many lines: the AWS SDK
/// writes one for each place where it looked for credentials.
pub fn chain_in_one_line(error: &(dyn Error + 'static)) -> String {
    joined(error, |error| {
        let text = error.to_string();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" | ")
    })
}

/// Returns an error and its sources, outermost first.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| error.source())
}

/// Returns the first error of a type among an error and its sources.
pub(crate) fn caused_by<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn joined(error: &(dyn Error + 'static), text: fn(&(dyn Error + 'static)) -> String) -> String {
    causes(error).map(text).fold(String::new(), |above, words| {
        if above.is_empty() {
            words
        } else if above.contains(&words) {
            above
        } else {
            format!("{above}: {words}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Level {
        text: &'static str,
        source: Option<Box<Level>>,
    }

    fn levels(texts: &[&'static str]) -> Level {
        let (text, rest) = texts.split_first().unwrap();
        let source = (!rest.is_empty()).then(|| Box::new(levels(rest)));
        Level { text, source }
    }

    #[test]
    fn each_cause_is_said_once() {
        let repeated = levels(&["a: b: c", "b: c", "c", "d"]);
        assert_eq!(chain(&repeated), "a: b: c: d");
        assert_eq!(chain(&levels(&["a", "b"])), "a: b");
    }

    #[test]
    fn lines_become_one() {
        let error = levels(&["a\n  b\n", "c\r\nd"]);
        assert_eq!(chain_in_one_line(&error), "a | b: c | d");
    }
}
