//! Splitting of `a = …, b = …` into options without parsing the values.
//!
//! An option begins at the start or after a top-level comma, with a name and a lone `=`. No Rust
//! expression has that at its top level, except an associated type in a turbofish
//! (`f::<A<B>, Item = C>`). A parser of a value may therefore ask for a longer segment.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};

use crate::diagnostic;

/// Tokens of an attribute, and the positions at which its options begin.
pub(super) struct Segments {
    trees: Vec<TokenTree>,
    starts: Vec<usize>,
}

/// Tokens of one option.
pub(super) struct Segment<'a> {
    pub(super) name: Ident,
    pub(super) value: &'a [TokenTree],
    /// Index among the segments.
    pub(super) index: usize,
}

impl Segment<'_> {
    pub(super) fn value(&self) -> TokenStream {
        self.value.iter().cloned().collect()
    }
}

impl Segments {
    pub(super) fn of(tokens: TokenStream) -> Self {
        let trees: Vec<_> = tokens.into_iter().collect();
        let starts = (0..trees.len())
            .filter(|&i| starts_option(&trees, i))
            .collect();
        Self { trees, starts }
    }

    /// Checks that the attribute begins with an option.
    pub(super) fn check_start(&self) -> syn::Result<()> {
        let (Some(first), false) = (self.trees.first(), self.starts.first() == Some(&0)) else {
            return Ok(());
        };
        let help = match first {
            TokenTree::Ident(name) => format!("write `{name} = …`"),
            _ => "write `volumes = <\"/path\" => CloudBucketMount::new(\"bucket\")>`".to_owned(),
        };
        Err(diagnostic::at(
            first.span(),
            "expected an option: a name and `=`",
            help,
        ))
    }

    pub(super) fn get(&self, index: usize) -> Option<Segment<'_>> {
        self.spanning(index, 0)
    }

    /// Returns the segment, with the `more` following ones as part of its value.
    pub(super) fn spanning(&self, index: usize, more: usize) -> Option<Segment<'_>> {
        let start = *self.starts.get(index)?;
        let last = index + more;
        self.starts.get(last)?;
        let end = self
            .starts
            .get(last + 1)
            .copied()
            .unwrap_or(self.trees.len());
        let TokenTree::Ident(name) = &self.trees[start] else {
            return None;
        };
        let value = &self.trees[start + 2..end];
        let value = value.strip_suffix_if(|tree| is_punct(tree, ','));
        Some(Segment {
            name: name.clone(),
            value,
            index,
        })
    }
}

trait StripLast<T> {
    fn strip_suffix_if(&self, condition: impl Fn(&T) -> bool) -> &Self;
}

impl<T> StripLast<T> for [T] {
    fn strip_suffix_if(&self, condition: impl Fn(&T) -> bool) -> &Self {
        match self.split_last() {
            Some((last, rest)) if condition(last) => rest,
            _ => self,
        }
    }
}

fn starts_option(trees: &[TokenTree], i: usize) -> bool {
    let after_comma = i == 0 || is_punct(&trees[i - 1], ',');
    after_comma
        && matches!(trees[i], TokenTree::Ident(_))
        && matches!(
            trees.get(i + 1),
            Some(TokenTree::Punct(p)) if p.as_char() == '=' && !begins_operator(p.spacing(), trees.get(i + 2))
        )
}

/// Returns whether a `=` is the first half of `==` or `=>`.
fn begins_operator(spacing: Spacing, next: Option<&TokenTree>) -> bool {
    spacing == Spacing::Joint && next.is_some_and(|tree| is_punct(tree, '=') || is_punct(tree, '>'))
}

pub(super) fn is_punct(tree: &TokenTree, character: char) -> bool {
    matches!(tree, TokenTree::Punct(p) if p.as_char() == character)
}
