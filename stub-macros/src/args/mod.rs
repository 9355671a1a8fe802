//! What stands in the parentheses of `#[stub::function(...)]`.

mod segments;
mod suggest;
mod volumes;

use proc_macro2::{Ident, TokenStream};
use syn::parse::Parser;
use syn::{Expr, LitStr, Path};

use self::segments::{Segment, Segments};
use crate::diagnostic::{self, Errors};

/// The options, read but not checked.
#[derive(Default)]
pub(crate) struct Args {
    /// Where the expansion finds the crate `stub`.
    pub(crate) krate: Option<Path>,
    pub(crate) volumes: Vec<VolumeArg>,
    pub(crate) secrets: Vec<Expr>,
    pub(crate) timeout: Option<Expr>,
}

/// `"/path" => mount`.
pub(crate) struct VolumeArg {
    pub(crate) path: LitStr,
    pub(crate) mount: Expr,
}

impl Args {
    /// Reads every option that can be read; of the others, notes why they can't.
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        let mut seen: Vec<Ident> = Vec::new();
        let segments = Segments::of(tokens);
        errors.ok(segments.check_start());
        let mut next = 0;
        while let Some(segment) = segments.get(next) {
            next += 1;
            if seen.contains(&segment.name) {
                errors.push(repeated(&segment.name));
                continue;
            }
            seen.push(segment.name.clone());
            next += args.option(&segment, &segments, errors);
        }
        args
    }

    /// Reads one option; returns how many more segments it turned out to reach over.
    fn option(&mut self, segment: &Segment, segments: &Segments, errors: &mut Errors) -> usize {
        let name = segment.name.to_string();
        if segment.value.is_empty() && suggest::OPTIONS.contains(&name.as_str()) {
            errors.push(no_value(&segment.name));
            return 0;
        }
        match name.as_str() {
            "volumes" => return volumes::read(segment, segments, &mut self.volumes, errors),
            "secrets" => self.secrets = errors.ok(secrets(segment)).unwrap_or_default(),
            "timeout" => self.timeout = errors.ok(expression(segment.value())),
            "crate" => self.krate = errors.ok(Path::parse_mod_style.parse2(segment.value())),
            _ => errors.push(suggest::unknown(&segment.name)),
        }
        0
    }
}

/// Parses an expression. One that breaks off is an error at its last token, not at the attribute.
fn expression(tokens: TokenStream) -> syn::Result<Expr> {
    let last = tokens.clone().into_iter().last();
    syn::parse2(tokens).map_err(|error| match last {
        Some(last) if error.to_string().starts_with("unexpected end of input") => {
            diagnostic::at(last.span(), "the expression breaks off here", "complete it")
        }
        _ => error,
    })
}

fn secrets(segment: &Segment) -> syn::Result<Vec<Expr>> {
    match expression(segment.value())? {
        Expr::Array(list) => Ok(list.elems.into_iter().collect()),
        other => Err(diagnostic::on(
            &other,
            "`secrets` is a list",
            "write `secrets = [Secret::from_env([\"TOKEN\"])]`",
        )),
    }
}

fn repeated(name: &Ident) -> syn::Error {
    diagnostic::at(
        name.span(),
        format!("the option `{name}` is given twice"),
        format!("write `{name}` once, with everything that belongs to it"),
    )
}

fn no_value(name: &Ident) -> syn::Error {
    let help = match name.to_string().as_str() {
        "volumes" => "write `volumes = <\"/path\" => CloudBucketMount::new(\"bucket\")>`",
        "secrets" => "write `secrets = [Secret::from_env([\"TOKEN\"])]`",
        "timeout" => "write `timeout = Duration::from_secs(60)`",
        _ => "write `crate = ::the_name_of_stub_here`",
    };
    diagnostic::at(
        name.span(),
        format!("the option `{name}` has no value"),
        help,
    )
}
