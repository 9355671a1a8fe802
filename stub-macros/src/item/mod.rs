//! Annotated function: signature parsed, body unchanged.

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

/// Annotated function.
pub(crate) struct Item {
    pub(crate) attributes: Attributes,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// Body with its braces. Incomplete code in it is reported by the compiler, not by this macro.
    pub(crate) body: TokenTree,
}

/// Argument on the caller's side: a name replaces the pattern.
pub(crate) struct Argument<'a> {
    pub(crate) name: Ident,
    pub(crate) ty: &'a Type,
}

/// Return type of the function.
pub(crate) enum Returns<'a> {
    /// No return type.
    Unit,
    /// Plain value.
    Value(&'a Type),
    /// Type whose last path segment is `Result`.
    Result(&'a Type),
    /// Item type of `impl Iterator<Item = …>`.
    Iterator(&'a Type),
    /// Item type of `impl Stream<Item = …>`.
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

    /// Returns the arguments with their patterns, as written.
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

/// Returns the user's name of an argument, if it has one, for readable documentation. The span hides an
/// identifier that occurs three times from lints about names.
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

/// Parses `impl Iterator` or `impl Stream`.
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

/// Returns the type in `<Item = …>`.
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
