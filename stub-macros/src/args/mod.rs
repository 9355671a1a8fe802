//! Arguments of `#[stub::function(...)]`.

mod entries;
mod segments;
mod suggest;

use proc_macro2::{Ident, TokenStream};
use syn::parse::Parser;
use syn::{Expr, LitStr, Path};

use self::segments::{Segment, Segments};
use crate::diagnostic::{self, Errors};

/// Options, parsed but not checked.
#[derive(Default)]
pub(crate) struct Args {
    /// Path of the crate `stub` for the expansion.
    pub(crate) krate: Option<Path>,
    /// Name of the function, unless it is its identifier.
    pub(crate) name: Option<LitStr>,
    pub(crate) volumes: Vec<Entry>,
    pub(crate) secrets: Vec<Expr>,
    pub(crate) env: Vec<Entry>,
    /// Options whose value is an expression.
    pub(crate) plain: Vec<Plain>,
}

/// Entry `"key" => value`.
pub(crate) struct Entry {
    pub(crate) key: LitStr,
    pub(crate) value: Expr,
}

/// Option `name = value`, where the method of that name of `Options` takes the value.
pub(crate) struct Plain {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

impl Args {
    /// Reads every valid option; records an error for each of the others.
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

    /// Reads one option; returns the number of following segments that belong to it.
    fn option(&mut self, segment: &Segment, segments: &Segments, errors: &mut Errors) -> usize {
        let name = segment.name.to_string();
        if segment.value.is_empty() && suggest::options().any(|known| known == name) {
            errors.push(no_value(&segment.name));
            return 0;
        }
        match name.as_str() {
            "volumes" => {
                let form = &entries::VOLUMES;
                return entries::read(form, segment, segments, &mut self.volumes, errors);
            }
            "env" => {
                return entries::read(&entries::ENV, segment, segments, &mut self.env, errors);
            }
            "secrets" => self.secrets = errors.ok(secrets(segment)).unwrap_or_default(),
            "name" => self.name = errors.ok(literal(segment)),
            "crate" => self.krate = errors.ok(Path::parse_mod_style.parse2(segment.value())),
            "schedule" if !cfg!(feature = "schedule") => {
                errors.push(not_built_in(&segment.name, "schedule"));
            }
            plain if suggest::PLAIN.iter().any(|(known, _)| *known == plain) => {
                let value = errors.ok(expression(segment.value()));
                self.plain.extend(value.map(|value| Plain {
                    name: segment.name.clone(),
                    value,
                }));
            }
            _ => errors.push(suggest::unknown(&segment.name)),
        }
        0
    }
}

/// Parses an expression. An incomplete one is an error at its last token, not at the attribute.
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

/// Parses a string literal. It must be known at compile time, as functions are found by name before any
/// of them runs.
fn literal(segment: &Segment) -> syn::Result<LitStr> {
    let value = segment.value();
    syn::parse2(value.clone()).map_err(|_| {
        diagnostic::on(
            value,
            format!("`{}` is a string literal", segment.name),
            "write `name = \"resize-image\"`",
        )
    })
}

fn not_built_in(name: &Ident, feature: &str) -> syn::Error {
    diagnostic::at(
        name.span(),
        format!("the option `{name}` needs the feature `{feature}` of the crate `stub`"),
        format!(
            "enable it in Cargo.toml: `stub = {{ version = \"…\", features = [\"{feature}\"] }}`"
        ),
    )
}

fn repeated(name: &Ident) -> syn::Error {
    diagnostic::at(
        name.span(),
        format!("the option `{name}` is given twice"),
        format!("write `{name}` once, with everything that belongs to it"),
    )
}

fn no_value(name: &Ident) -> syn::Error {
    let text = name.to_string();
    let plain = suggest::PLAIN.iter().find(|(known, _)| *known == text);
    let help = match (text.as_str(), plain) {
        (_, Some((_, example))) => format!("write `{name} = {example}`"),
        ("volumes", _) => entries::VOLUMES.help(),
        ("env", _) => entries::ENV.help(),
        ("name", _) => "write `name = \"resize-image\"`".to_owned(),
        ("secrets", _) => "write `secrets = [Secret::from_env([\"TOKEN\"])]`".to_owned(),
        _ => "write `crate = ::the_name_of_stub_here`".to_owned(),
    };
    diagnostic::at(
        name.span(),
        format!("the option `{name}` has no value"),
        help,
    )
}
