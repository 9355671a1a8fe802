//! Names of the options, and suggestions for misspelt ones.

use proc_macro2::Ident;

use crate::diagnostic;

/// Options whose value is an expression, each with an example.
pub(super) const PLAIN: [(&str, &str); 11] = [
    ("timeout", "Duration::from_secs(60)"),
    ("retries", "3"),
    ("max_containers", "4"),
    ("max_inputs", "100"),
    ("cpu", "2.0"),
    ("memory", "512"),
    ("lenient_limits", "true"),
    ("schedule", "Cron(\"0 3 * * *\")"),
    ("workdir", "\"/data\""),
    ("network", "false"),
    ("isolate", "true"),
];

/// Options with their own syntax.
const SPECIAL: [&str; 5] = ["volumes", "secrets", "env", "name", "crate"];

/// Returns the names of all options.
pub(super) fn options() -> impl Iterator<Item = &'static str> {
    SPECIAL
        .into_iter()
        .chain(PLAIN.into_iter().map(|(name, _)| name))
}

pub(super) fn unknown(name: &Ident) -> syn::Error {
    let help = nearest(&name.to_string()).map_or_else(
        || {
            let names: Vec<_> = options()
                .filter(|name| *name != "crate")
                .map(|name| format!("`{name}`"))
                .collect();
            format!("the options are {}", names.join(", "))
        },
        |option| format!("did you mean `{option}`?"),
    );
    diagnostic::at(name.span(), format!("there is no option `{name}`"), help)
}

fn nearest(name: &str) -> Option<&'static str> {
    options()
        .map(|option| (strsim::jaro_winkler(name, option), option))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, option)| option)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        assert_eq!(nearest("volume"), Some("volumes"));
        assert_eq!(nearest("vloumes"), Some("volumes"));
        assert_eq!(nearest("secret"), Some("secrets"));
        assert_eq!(nearest("time_out"), Some("timeout"));
        for other in ["gpu", "image", "mounts"] {
            assert_eq!(nearest(other), None, "{other}");
        }
    }
}
