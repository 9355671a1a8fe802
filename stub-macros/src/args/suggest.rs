//! The names of the options, and the one that was probably meant.

use proc_macro2::Ident;

use crate::diagnostic;

pub(super) const OPTIONS: [&str; 4] = ["volumes", "secrets", "timeout", "crate"];

pub(super) fn unknown(name: &Ident) -> syn::Error {
    let help = match nearest(&name.to_string()) {
        Some(option) => format!("did you mean `{option}`?"),
        None => "the options are `volumes`, `secrets` and `timeout`".to_owned(),
    };
    diagnostic::at(name.span(), format!("there is no option `{name}`"), help)
}

fn nearest(name: &str) -> Option<&'static str> {
    OPTIONS
        .into_iter()
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
        for other in ["gpu", "memory", "retries", "mounts"] {
            assert_eq!(nearest(other), None, "{other}");
        }
    }
}
