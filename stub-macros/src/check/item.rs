//! Rules for the annotated function.

use syn::{FnArg, Signature};

use super::types;
use crate::diagnostic::{Errors, on};
use crate::item::Item;

/// Maximum number of arguments: the length of the longest tuple that serde supports.
const MOST_ARGUMENTS: usize = 16;

/// Checks the function; returns whether it is valid.
pub(crate) fn item(item: &Item, errors: &mut Errors) -> bool {
    let mut found = Vec::new();
    qualifiers(&item.signature, &mut found);
    generics(&item.signature, &mut found);
    arguments(item, &mut found);
    found.extend(types::returned(&item.returns()));
    let sound = found.is_empty();
    for error in found {
        errors.push(error);
    }
    sound
}

fn qualifiers(signature: &Signature, found: &mut Vec<syn::Error>) {
    if let Some(token) = signature.constness {
        found.push(on(
            token,
            "a `const fn` can't be a stub function: it would run in the compiler",
            "remove the `const`",
        ));
    }
    if let Some(token) = signature.unsafety {
        found.push(on(
            token,
            "an `unsafe fn` can't be a stub function: its caller is in another process",
            "put an `unsafe` block in the body",
        ));
    }
    if let Some(token) = &signature.abi {
        found.push(on(
            token,
            "an `extern` function can't be a stub function: arguments don't cross by a C ABI",
            "remove the `extern`",
        ));
    }
}

fn generics(signature: &Signature, found: &mut Vec<syn::Error>) {
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        found.push(on(
            &generics.params,
            "a generic function can't be a stub function: the other process must know its types",
            "write concrete, owned types",
        ));
    } else if let Some(clause) = &generics.where_clause {
        found.push(on(
            clause,
            "a stub function can't have a `where` clause: it has no type parameters",
            "remove the clause",
        ));
    }
}

fn arguments(item: &Item, found: &mut Vec<syn::Error>) {
    for input in &item.signature.inputs {
        match input {
            FnArg::Receiver(receiver) => found.push(on(
                receiver,
                "a method can't be a stub function",
                "make it a free function and pass what it needs of `self` as an argument",
            )),
            FnArg::Typed(typed) => {
                if let Some(cfg) = typed.attrs.iter().find(|a| a.path().is_ident("cfg")) {
                    let help = "annotate two functions, each under a `#[cfg]` of its own";
                    found.push(on(
                        cfg,
                        "an argument of a stub function can't be conditional",
                        help,
                    ));
                }
                found.extend(types::argument(&typed.ty));
            }
        }
    }
    if let Some(variadic) = &item.signature.variadic {
        found.push(on(
            variadic,
            "a stub function can't be variadic",
            "take a `Vec`",
        ));
    }
    if let Some(extra) = item.typed().nth(MOST_ARGUMENTS) {
        let message = format!("a stub function has at most {MOST_ARGUMENTS} arguments");
        found.push(on(extra, message, "put them into a struct"));
    }
}
