//! `<"/a" => expr, …>` and `{ "/a" => expr, … }`.
//!
//! No expression parser can be asked to stop before the closing `>`: it would take it for a
//! comparison. So the tokens are cut first, and the pieces parsed: the closing `>` is the last
//! token of the option, and an entry ends where a comma and a string literal follow.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::LitStr;

use super::VolumeArg;
use super::segments::{Segment, Segments, is_punct};
use crate::diagnostic::{self, Errors};

const FORM: &str = "write `volumes = <\"/path\" => CloudBucketMount::new(\"bucket\")>`";

/// Reads the volumes; returns how many more segments belong to them.
pub(super) fn read(
    segment: &Segment,
    segments: &Segments,
    volumes: &mut Vec<VolumeArg>,
    errors: &mut Errors,
) -> usize {
    let mut first_failure = None;
    for more in 0.. {
        let Some(longer) = segments.spanning(segment.index, more) else {
            break;
        };
        let mut failures = Errors::default();
        let read = entries(&longer, &mut failures);
        if failures.is_empty() {
            volumes.extend(read);
            return more;
        }
        first_failure.get_or_insert((read, longer));
    }
    // Reported for the shortest reading; the longer ones were guesses.
    if let Some((_, segment)) = first_failure {
        volumes.extend(entries(&segment, errors));
    }
    0
}

fn entries(segment: &Segment, errors: &mut Errors) -> Vec<VolumeArg> {
    let Some(inside) = errors.ok(inside(segment)) else {
        return Vec::new();
    };
    split(&inside)
        .into_iter()
        .filter_map(|tokens| errors.ok(entry(tokens)))
        .collect()
}

/// The tokens between the brackets.
fn inside(segment: &Segment) -> syn::Result<Vec<TokenTree>> {
    match segment.value {
        [open, rest @ ..] if is_punct(open, '<') => match rest.split_last() {
            Some((close, inside)) if is_punct(close, '>') => Ok(inside.to_vec()),
            _ => Err(diagnostic::at(
                open.span(),
                "this `<` is not closed by a `>`",
                FORM,
            )),
        },
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::Brace => {
            Ok(group.stream().into_iter().collect())
        }
        [first, ..] => Err(diagnostic::at(
            first.span(),
            "expected `<` or `{` after `volumes =`",
            FORM,
        )),
        [] => Err(diagnostic::at(
            segment.name.span(),
            "the option `volumes` has no value",
            FORM,
        )),
    }
}

/// Cuts at the commas that a string literal follows, and drops one at the end.
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

fn entry(trees: &[TokenTree]) -> syn::Result<VolumeArg> {
    let [first, rest @ ..] = trees else {
        return Err(diagnostic::at(
            proc_macro2::Span::call_site(),
            "an entry is empty",
            FORM,
        ));
    };
    let Some(path) = as_string(first) else {
        let message = "expected the mount path, a string literal";
        return Err(diagnostic::at(first.span(), message, FORM));
    };
    let arrow = |help: String| diagnostic::at(first.span(), "expected `=>` after this path", help);
    match rest {
        [equals, greater, mount @ ..] if is_punct(equals, '=') && is_punct(greater, '>') => {
            if mount.is_empty() {
                return Err(diagnostic::at(
                    path.span(),
                    "this path has no volume",
                    format!(
                        "write `{} => CloudBucketMount::new(\"bucket\")`",
                        path.token()
                    ),
                ));
            }
            let mount: TokenStream = mount.iter().cloned().collect();
            Ok(VolumeArg {
                path,
                mount: super::expression(mount)?,
            })
        }
        _ => Err(arrow(format!(
            "write `{} => CloudBucketMount::new(\"bucket\")`",
            path.token()
        ))),
    }
}

/// A string literal, also one that a `macro_rules` macro has wrapped.
fn as_string(tree: &TokenTree) -> Option<LitStr> {
    match tree {
        TokenTree::Literal(_) => syn::parse2(tree.clone().into()).ok(),
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            syn::parse2(group.stream()).ok()
        }
        _ => None,
    }
}
