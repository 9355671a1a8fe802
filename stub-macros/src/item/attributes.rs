//! Distribution of the user's attributes over the items of the expansion.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Attributes below `#[stub::function]`.
pub(crate) struct Attributes {
    all: Vec<Attribute>,
}

enum Kind {
    /// `cfg`: applies to every item.
    Condition,
    /// `allow` and similar: apply wherever the signature is repeated.
    Lint,
    /// `expect`: fulfilled once, so it stays with the body and becomes an `allow` elsewhere.
    Expect,
    /// Documentation, and attributes of a test or the entry point: apply to the function that users
    /// call.
    Outside,
    /// `inline`, `instrument`, `must_use`, …: apply to the body.
    Body,
}

impl Attributes {
    pub(crate) fn of(all: Vec<Attribute>) -> Self {
        Self { all }
    }

    /// Returns the attributes of the function itself.
    pub(crate) fn outside(&self) -> TokenStream {
        self.select(|kind| {
            matches!(
                kind,
                Kind::Condition | Kind::Lint | Kind::Expect | Kind::Outside
            )
        })
    }

    /// Returns the lint attributes of generated functions with the same signature.
    pub(crate) fn signature(&self) -> TokenStream {
        self.select(|kind| matches!(kind, Kind::Lint | Kind::Expect))
    }

    /// Returns the conditions of all generated items.
    pub(crate) fn conditions(&self) -> TokenStream {
        self.select(|kind| matches!(kind, Kind::Condition))
    }

    /// Returns the attributes of the body.
    pub(crate) fn body(&self) -> TokenStream {
        let mine = |a: &&Attribute| matches!(kind(a), Kind::Lint | Kind::Expect | Kind::Body);
        self.all
            .iter()
            .filter(mine)
            .map(ToTokens::to_token_stream)
            .collect()
    }

    /// Returns the documentation, as far as it consists of string literals.
    pub(crate) fn documentation(&self) -> String {
        let lines = self.all.iter().filter_map(|attribute| {
            let Meta::NameValue(meta) = &attribute.meta else {
                return None;
            };
            match &meta.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(line),
                    ..
                }) if meta.path.is_ident("doc") => Some(line.value()),
                _ => None,
            }
        });
        let lines: Vec<_> = lines.map(|line| line.trim().to_owned()).collect();
        lines.join("\n")
    }

    /// All of them, as they were.
    pub(crate) fn all(&self) -> TokenStream {
        self.all.iter().map(ToTokens::to_token_stream).collect()
    }

    fn select(&self, wanted: impl Fn(&Kind) -> bool) -> TokenStream {
        let tokens = |attribute: &Attribute| match (kind(attribute), &attribute.meta) {
            (Kind::Expect, Meta::List(list)) => {
                let lints = &list.tokens;
                quote!(#[allow(#lints)])
            }
            _ => attribute.to_token_stream(),
        };
        self.all
            .iter()
            .filter(|a| wanted(&kind(a)))
            .map(tokens)
            .collect()
    }
}

fn kind(attribute: &Attribute) -> Kind {
    let Some(last) = attribute.path().segments.last() else {
        return Kind::Body;
    };
    match last.ident.to_string().as_str() {
        "cfg" => Kind::Condition,
        "allow" | "warn" | "deny" | "forbid" => Kind::Lint,
        "expect" => Kind::Expect,
        "doc" | "deprecated" | "test" | "ignore" | "should_panic" | "main" => Kind::Outside,
        _ => Kind::Body,
    }
}
