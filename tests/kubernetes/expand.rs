//! Expansion of variables in a container's command, as in the [documentation]: `$(NAME)` becomes the
//! variable's value if it is set, and `$$` becomes `$`.
//!
//! [documentation]: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#entrypoint

/// Expands the variables of the text.
pub(crate) fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        expanded += before;
        let after = &from[1..];
        let variable = after
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'));
        rest = if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            after
        } else if let Some((name, after)) = variable {
            expanded += &value(name).unwrap_or_else(|| format!("$({name})"));
            after
        } else {
            expanded.push('$');
            after
        };
    }
    expanded + rest
}

#[test]
fn a_command_is_read_as_documented() {
    let value = |name: &str| (name == "A").then(|| "1".to_owned());
    for (text, expected) in [
        ("$(A) $(B) $A", "1 $(B) $A"),
        ("$$(A) $$ $$$$ $", "$(A) $ $$ $"),
        ("$(A", "$(A"),
    ] {
        assert_eq!(expand(text, value), expected, "{text}");
    }
}
