//! Names of a call's objects in Kubernetes.

/// Maximum length of a Job's name: its pods' host names add the number of a task, and have 63
/// characters at most.
const LONGEST: usize = 56;

/// Prefix of the names of all objects: a function's name may begin with a character that such a name may not.
const BEGIN: &str = "stub-";

/// Returns the name of a submission's Job: a [label], whatever the function is called. It is always
/// the same for a submission, and no other's, as it contains the call's id and the submission's
/// number.
///
/// [label]: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
pub(super) fn job(submission: &str) -> String {
    let mut parts = submission.rsplitn(3, '-');
    let (number, id) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let label = plain(parts.next().unwrap_or_default());
    let end = plain(&format!("{id}-{number}"));
    let room = LONGEST.saturating_sub(BEGIN.len() + end.len() + 1);
    let label: String = label.chars().take(room).collect();
    match label.trim_matches('-') {
        "" => format!("{BEGIN}{end}"),
        label => format!("{BEGIN}{label}-{end}"),
    }
}

fn plain(text: &str) -> String {
    let plain = text.chars().map(|c| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    });
    plain.collect()
}

/// Converts text to the value of a label, which can't have all characters.
pub(super) fn label_value(text: &str) -> String {
    let plain: String = plain(text).chars().take(63).collect();
    plain.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_a_label_and_no_two_the_same() {
        let id = "0123456789abcdef";
        let long = "x".repeat(40);
        let cases = [
            ("word_count", "stub-word-count-0123456789abcdef-0"),
            ("Größe", "stub-gr--e-0123456789abcdef-0"),
            ("__", "stub-0123456789abcdef-0"),
            ("", "stub-0123456789abcdef-0"),
        ];
        for (label, expected) in cases {
            assert_eq!(job(&format!("{label}-{id}-0")), expected);
        }
        let name = job(&format!("{long}-{id}-4294967295"));
        assert!(name.len() <= LONGEST, "{name}");
        assert!(name.ends_with("-0123456789abcdef-4294967295"), "{name}");
        assert_ne!(job(&format!("f-{id}-1")), job(&format!("f-{id}-2")));
    }

    #[test]
    fn a_label_says_what_is_called_as_far_as_it_can() {
        assert_eq!(label_value("demo::word_count"), "demo--word-count");
        assert_eq!(label_value("/bin/sh"), "bin-sh");
        assert!(label_value(&"x".repeat(100)).len() == 63);
    }
}
