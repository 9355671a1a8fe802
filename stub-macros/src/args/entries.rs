//! Entries of the options `volumes` and `env`: `<"a" => expr, …>` and `{ "a" => expr, … }`.
//!
//! No expression parser can be asked to stop before the closing `>`: it would take it for a comparison.
//! So the tokens are cut first and the pieces are parsed. The closing `>` is the last token of the
//! option, and an entry ends where a comma and a string literal follow.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::LitStr;

use super::Entry;
use super::segments::{Segment, Segments, is_punct};
use crate::diagnostic::{self, Errors};

/// Names and examples of an option's entries, for messages.
pub(super) struct Form {
    option: &'static str,
    /// Name of the text before the arrow.
    key: &'static str,
    /// Name of the text before the arrow, with an article.
    the_key: &'static str,
    /// Name of the expression behind the arrow.
    value: &'static str,
    /// Example of a value.
    example: &'static str,
    /// Example of a key.
    example_key: &'static str,
}

pub(super) const VOLUMES: Form = Form {
    option: "volumes",
    key: "path",
    the_key: "the mount path",
    value: "volume",
    example: "CloudBucketMount::new(\"bucket\")",
    example_key: "/path",
};

pub(super) const ENV: Form = Form {
    option: "env",
    key: "name",
    the_key: "the name of a variable",
    value: "value",
    example: "\"value\"",
    example_key: "NAME",
};

impl Form {
    /// Returns the advice for the whole option.
    pub(super) fn help(&self) -> String {
        format!(
            "write `{} = <\"{}\" => {}>`",
            self.option, self.example_key, self.example
        )
    }

    fn help_for(&self, key: &LitStr) -> String {
        format!("write `{} => {}`", key.token(), self.example)
    }
}

/// Reads the entries; returns the number of following segments that belong to them.
pub(super) fn read(
    form: &Form,
    segment: &Segment,
    segments: &Segments,
    into: &mut Vec<Entry>,
    errors: &mut Errors,
) -> usize {
    let mut first_failure = None;
    for more in 0.. {
        let Some(longer) = segments.spanning(segment.index, more) else {
            break;
        };
        let mut failures = Errors::default();
        let read = entries(form, &longer, &mut failures);
        if failures.is_empty() {
            into.extend(read);
            return more;
        }
        first_failure.get_or_insert((read, longer));
    }
    // Reported for the shortest reading; the longer ones were guesses.
    if let Some((_, segment)) = first_failure {
        into.extend(entries(form, &segment, errors));
    }
    0
}

fn entries(form: &Form, segment: &Segment, errors: &mut Errors) -> Vec<Entry> {
    let Some(inside) = errors.ok(inside(form, segment)) else {
        return Vec::new();
    };
    split(&inside)
        .into_iter()
        .filter_map(|tokens| errors.ok(entry(form, tokens)))
        .collect()
}

/// Returns the tokens between the brackets.
fn inside(form: &Form, segment: &Segment) -> syn::Result<Vec<TokenTree>> {
    match segment.value {
        [open, rest @ ..] if is_punct(open, '<') => match rest.split_last() {
            Some((close, inside)) if is_punct(close, '>') => Ok(inside.to_vec()),
            _ => Err(diagnostic::at(
                open.span(),
                "this `<` is not closed by a `>`",
                form.help(),
            )),
        },
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::Brace => {
            Ok(group.stream().into_iter().collect())
        }
        [first, ..] => Err(diagnostic::at(
            first.span(),
            format!("expected `<` or `{{` after `{} =`", form.option),
            form.help(),
        )),
        [] => Err(diagnostic::at(
            segment.name.span(),
            format!("the option `{}` has no value", form.option),
            form.help(),
        )),
    }
}

/// Splits at each comma that a string literal follows, and drops a trailing comma.
fn split(trees: &[TokenTree]) -> Vec<&[TokenTree]> {
    let trees = match trees.split_last() {
        Some((last, rest)) if is_punct(last, ',') => rest,
        _ => trees,
    };
    if trees.is_empty() {
        return Vec::new();
    }
    let mut pieces = Vec::new();
    let mut start = 0;
    for comma in 1..trees.len() {
        if is_punct(&trees[comma], ',') && trees.get(comma + 1).and_then(as_string).is_some() {
            pieces.push(&trees[start..comma]);
            start = comma + 1;
        }
    }
    pieces.push(&trees[start..]);
    pieces
}

fn entry(form: &Form, trees: &[TokenTree]) -> syn::Result<Entry> {
    let [first, rest @ ..] = trees else {
        return Err(diagnostic::at(
            proc_macro2::Span::call_site(),
            "an entry is empty",
            form.help(),
        ));
    };
    let Some(key) = as_string(first) else {
        let message = format!("expected {}, a string literal", form.the_key);
        return Err(diagnostic::at(first.span(), message, form.help()));
    };
    match rest {
        [equals, greater, value @ ..] if is_punct(equals, '=') && is_punct(greater, '>') => {
            if value.is_empty() {
                let message = format!("this {} has no {}", form.key, form.value);
                return Err(diagnostic::at(key.span(), message, form.help_for(&key)));
            }
            let value: TokenStream = value.iter().cloned().collect();
            Ok(Entry {
                key,
                value: super::expression(value)?,
            })
        }
        _ => {
            let message = format!("expected `=>` after this {}", form.key);
            Err(diagnostic::at(first.span(), message, form.help_for(&key)))
        }
    }
}

/// Parses a string literal, also one that a `macro_rules` macro has wrapped.
fn as_string(tree: &TokenTree) -> Option<LitStr> {
    match tree {
        TokenTree::Literal(_) => syn::parse2(tree.clone().into()).ok(),
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            syn::parse2(group.stream()).ok()
        }
        _ => None,
    }
}
