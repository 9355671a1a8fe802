//! Replacement of the expansion after an error, so that the rest of the program is checked as if there
//! were none and only our error is reported.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ReturnType;

use crate::args::Args;
use crate::diagnostic::Errors;
use crate::expand;
use crate::item::Item;
use crate::names::Names;

/// Returns the original item, if it is not a function.
pub(crate) fn for_unreadable(tokens: &TokenStream, errors: &Errors) -> TokenStream {
    quote!(#errors #tokens)
}

/// Expands a valid function with the valid ones of its options.
pub(crate) fn for_wrong_arguments(args: &Args, item: &Item, errors: &Errors) -> TokenStream {
    let expansion = expand::function(args, item);
    quote!(#errors #expansion)
}

/// Returns the same names with the same signatures, but no registration, for a function that can't be
/// expanded. A method is left unchanged, as a struct can't stand beside it; so is a function that
/// returns an unnamed type.
pub(crate) fn for_wrong_item(args: &Args, item: &Item, errors: &Errors) -> TokenStream {
    let Item {
        attributes,
        visibility,
        signature,
        body,
    } = item;
    let (all, conditions) = (attributes.all(), attributes.conditions());
    let unnamed = matches!(&signature.output, ReturnType::Type(_, ty) if mentions_impl(ty));
    if signature.receiver().is_some() || unnamed {
        return quote!(#errors #all #visibility #signature #body);
    }
    let names = Names::new(args.krate.as_ref());
    let (namespace, name) = (expand::namespace_decl(item), expand::quiet(item.name()));
    let mut callable = signature.clone();
    let output = expand::output(item, &names);
    callable.output = syn::parse_quote!(-> #output);
    let mut remote = callable.clone();
    let mut local = signature.clone();
    let member = |text| Ident::new(text, Span::mixed_site());
    (remote.ident, local.ident) = (member("remote"), member("local"));
    quote! {
        #errors
        #[allow(unused)]
        #all
        #visibility #callable { loop {} }
        #namespace
        #conditions
        #[allow(unused)]
        impl #name {
            #visibility #remote { loop {} }
            #visibility #local #body
        }
    }
}

fn mentions_impl(ty: &syn::Type) -> bool {
    let mut tokens = ty.to_token_stream().into_iter();
    tokens.any(|tree| matches!(tree, TokenTree::Ident(word) if word == "impl"))
}
