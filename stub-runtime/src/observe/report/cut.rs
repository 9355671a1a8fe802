//! Texts of a bounded length.

/// Returns the text, or its beginning and an ellipsis if it has more characters than this.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let kept = text.chars().take(most.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("four", 4), "four");
        assert_eq!(cut("fives", 4), "fiv…");
        assert_eq!(cut("äöüß", 4), "äöüß");
        assert_eq!(cut("äöüß€", 4), "äöü…");
        assert_eq!(cut("", 0), "");
    }
}
