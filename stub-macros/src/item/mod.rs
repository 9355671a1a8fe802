//! The annotated function: its signature parsed, its body kept as it was written.

mod attributes;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    Attribute, FnArg, GenericArgument, Pat, PatIdent, PatType, PathArguments, ReturnType,
    Signature, Token, Type, TypeParamBound, Visibility, token,
};

pub(crate) use self::attributes::Attributes;
use crate::diagnostic;

/// The annotated function.
pub(crate) struct Item {
    pub(crate) attributes: Attributes,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// With its braces. Half-typed code in it is the compiler's concern, not ours.
    pub(crate) body: TokenTree,
}

/// An argument as the caller's side knows it: a pattern has become a name.
pub(crate) struct Argument<'a> {
    pub(crate) name: Ident,
    pub(crate) ty: &'a Type,
}

/// What the function returns.
pub(crate) enum Returns<'a> {
    /// Nothing is written.
    Unit,
    /// A value.
    Value(&'a Type),
    /// A type whose last path segment is `Result`.
    Result(&'a Type),
    /// `impl Iterator<Item = …>`: the type of an item.
    Iterator(&'a Type),
    /// `impl Stream<Item = …>`, the same.
    Stream(&'a Type),
}

impl Item {
    pub(crate) fn read(tokens: TokenStream) -> syn::Result<Self> {
        match syn::parse2(tokens.clone()) {
            Err(_) if !declares_function(&tokens) => Err(not_a_function(tokens)),
            result => result,
        }
    }

    pub(crate) fn name(&self) -> &Ident {
        &self.signature.ident
    }

    pub(crate) fn is_async(&self) -> bool {
        self.signature.asyncness.is_some()
    }

    /// The arguments with their patterns, as they were written.
    pub(crate) fn typed(&self) -> impl Iterator<Item = &PatType> {
        self.signature
            .inputs
            .iter()
            .filter_map(|input| match input {
                FnArg::Typed(typed) => Some(typed),
                FnArg::Receiver(_) => None,
            })
    }

    pub(crate) fn arguments(&self) -> Vec<Argument<'_>> {
        let argument = |(i, typed)| Argument {
            name: argument_name(i, typed),
            ty: &typed.ty,
        };
        self.typed().enumerate().map(argument).collect()
    }

    pub(crate) fn returns(&self) -> Returns<'_> {
        match &self.signature.output {
            ReturnType::Default => Returns::Unit,
            ReturnType::Type(_, ty) if is_result(ty) => Returns::Result(ty),
            ReturnType::Type(_, ty) => one_by_one(ty).unwrap_or(Returns::Value(ty)),
        }
    }
}

/// The user's name where there is one, so that documentation reads well. The span keeps lints that
/// look at names away from an identifier that occurs three times.
fn argument_name(index: usize, typed: &PatType) -> Ident {
    let span = |at: Span| Span::mixed_site().located_at(at);
    match &*typed.pat {
        Pat::Ident(PatIdent {
            ident,
            subpat: None,
            ..
        }) => {
            let mut name = ident.clone();
            name.set_span(span(ident.span()));
            name
        }
        other => {
            let at = other
                .to_token_stream()
                .into_iter()
                .next()
                .map_or_else(Span::call_site, |t| t.span());
            Ident::new(&format!("argument_{}", index + 1), span(at))
        }
    }
}

/// An `impl Iterator` or an `impl Stream`.
fn one_by_one(ty: &Type) -> Option<Returns<'_>> {
    let Type::ImplTrait(bounds) = ty else {
        return None;
    };
    bounds.bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let last = bound.path.segments.last()?;
        match last.ident.to_string().as_str() {
            "Iterator" => item_of(&last.arguments).map(Returns::Iterator),
            "Stream" => item_of(&last.arguments).map(Returns::Stream),
            _ => None,
        }
    })
}

/// The type in `<Item = …>`.
fn item_of(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(item) if item.ident == "Item" => Some(&item.ty),
        _ => None,
    })
}

fn is_result(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|s| s.ident.unraw() == "Result"),
        Type::Group(group) => is_result(&group.elem),
        Type::Paren(paren) => is_result(&paren.elem),
        _ => false,
    }
}

impl Parse for Item {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let attributes = Attributes::of(input.call(Attribute::parse_outer)?);
        let visibility = input.parse()?;
        let signature = input.parse()?;
        if input.peek(Token![;]) {
            let help = "write the body, or remove the attribute";
            return Err(diagnostic::at(
                input.span(),
                "the function has no body",
                help,
            ));
        }
        if !input.peek(token::Brace) {
            return Err(input.error("expected the body of the function"));
        }
        Ok(Self {
            attributes,
            visibility,
            signature,
            body: input.parse()?,
        })
    }
}

fn declares_function(tokens: &TokenStream) -> bool {
    tokens
        .clone()
        .into_iter()
        .any(|tree| matches!(tree, TokenTree::Ident(word) if word == "fn"))
}

fn not_a_function(tokens: TokenStream) -> syn::Error {
    let keyword = |input: ParseStream| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let span = input.span();
        input.parse::<TokenStream>()?;
        Ok(span)
    };
    diagnostic::at(
        keyword.parse2(tokens).unwrap_or_else(|_| Span::call_site()),
        "`#[stub::function]` goes on a function",
        "put it on a `fn`",
    )
}
