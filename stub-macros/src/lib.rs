//! The `#[stub::function]` attribute; its documentation is in the crate `stub`.
//!
//! Five stages: `args` and `item` read the tokens, `check` applies every rule to both and collects
//! all errors, `expand` writes the result and cannot fail. After an error `fallback` stands in for
//! it, so that nothing but our error is reported.

mod args;
mod check;
mod diagnostic;
mod expand;
mod fallback;
mod item;
mod names;

use proc_macro2::TokenStream;

use crate::args::Args;
use crate::diagnostic::Errors;
use crate::item::Item;

/// Runs a function in a sandbox in which buckets are folders.
///
/// Documented as `stub::function`.
#[proc_macro_attribute]
pub fn function(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    function_of(arguments.into(), &item.into()).into()
}

fn function_of(arguments: TokenStream, tokens: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::read(arguments, &mut errors);
    let item = match Item::read(tokens.clone()) {
        Ok(item) => item,
        Err(error) => {
            errors.push(error);
            return fallback::for_unreadable(tokens, &errors);
        }
    };
    check::args(&args, &mut errors);
    let sound = check::item(&item, &mut errors);
    match (errors.is_empty(), sound) {
        (true, _) => expand::function(&args, &item),
        (false, true) => fallback::for_wrong_arguments(&args, &item, &errors),
        (false, false) => fallback::for_wrong_item(&args, &item, &errors),
    }
}
