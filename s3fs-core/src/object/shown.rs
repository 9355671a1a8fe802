//! Safe display of names and texts from elsewhere.

use std::fmt::{self, Display, Write};

/// Displays a value with escapes for characters that a terminal would act on, or that would end a
/// line of a log: control characters, and those that change the direction of text. Object names may
/// contain any of these.
///
/// ```
/// # use s3fs_core::Shown;
/// assert_eq!(Shown("a\u{1b}[2Jb\nc").to_string(), r"a\u{1b}[2Jb\nc");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(pub T);

impl<T: Display> Display for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(acts) {
            self.0.write_str(&rest[..at])?;
            let mut after = rest[at..].chars();
            let found = after.next();
            found.map_or(Ok(()), |found| write!(self.0, "{}", found.escape_default()))?;
            rest = after.as_str();
        }
        self.0.write_str(rest)
    }
}

fn acts(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_escaped_and_nothing_else() {
        for (text, shown) in [
            ("plain/ä/日本.txt", "plain/ä/日本.txt"),
            (r"back\slash", r"back\slash"),
            ("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}"),
            ("one\nstub: two\r\t", r"one\nstub: two\r\t"),
            ("c1\u{9b}2J\u{7f}", r"c1\u{9b}2J\u{7f}"),
            ("exe\u{202e}gpj", r"exe\u{202e}gpj"),
            ("\n", r"\n"),
            ("", ""),
        ] {
            assert_eq!(Shown(text).to_string(), shown);
            assert_eq!(Shown(Shown(text)).to_string(), shown, "twice is once");
        }
    }
}
