//! Associated functions that call a function for many inputs, or without waiting.

use proc_macro2::TokenStream;
use quote::quote;

use super::{parameters, value_type};
use crate::item::{Item, Returns};
use crate::names::Names;

/// Declares `f::map`, `f::starmap`, `f::for_each`, `f::spawn` and `f::spawn_map`.
pub(super) fn decls(item: &Item, names: &Names) -> TokenStream {
    // Whose values come one by one is called for one input at a time.
    if let Returns::Iterator(_) | Returns::Stream(_) = item.returns() {
        return TokenStream::new();
    }
    let over = Over::new(item, names);
    let one_by_one = if over.is_async {
        asynchronous(item, names, &over)
    } else {
        blocking(item, names, &over)
    };
    let spawned = spawned(item, names, &over);
    quote! {
        #one_by_one
        #spawned
    }
}

/// Types of the inputs of a mapped function.
struct Over {
    is_async: bool,
    /// The arguments as a tuple.
    tuple: TokenStream,
    /// Type of an input: the only argument's, else the tuple.
    input: TokenStream,
    /// Expression for `inputs` as an iterator of tuples.
    tuples: TokenStream,
}

impl Over {
    fn new(item: &Item, names: &Names) -> Self {
        let private = &names.private;
        let arguments = item.arguments();
        let types: Vec<_> = arguments.iter().map(|argument| argument.ty).collect();
        let tuple = quote!((#(#types,)*));
        let inputs = quote!(#private::IntoIterator::into_iter(inputs));
        let (input, tuples) = match types[..] {
            [only] => (
                quote!(#only),
                quote!(#private::Iterator::map(#inputs, |argument| (argument,))),
            ),
            _ => (tuple.clone(), inputs),
        };
        Self {
            is_async: item.is_async(),
            tuple,
            input,
            tuples,
        }
    }
}

fn blocking(item: &Item, names: &Names, over: &Over) -> TokenStream {
    let (conditions, visibility) = (item.attributes.signature(), &item.visibility);
    let (private, result, value) = (&names.private, &names.result, value_type(item, names));
    let map_type = &names.map;
    let Over {
        tuple,
        input,
        tuples,
        ..
    } = over;
    quote! {
        /// Runs the function for each input, several at once, in sandboxes that stay. Returns the values
        /// in the order of the inputs. An input is the argument, or a tuple of several arguments.
        #conditions
        #visibility fn map<'__inputs>(
            inputs: impl #private::IntoIterator<Item = #input, IntoIter: '__inputs>
        ) -> #map_type<'__inputs, #value> {
            #private::map(Self::__FUNCTION, Self::__arguments(), #tuples, Self::__value())
        }

        /// Runs the function for each input like `map`; an input is always a tuple of the arguments.
        #conditions
        #visibility fn starmap<'__inputs>(
            inputs: impl #private::IntoIterator<Item = #tuple, IntoIter: '__inputs>
        ) -> #map_type<'__inputs, #value> {
            let inputs = #private::IntoIterator::into_iter(inputs);
            #private::map(Self::__FUNCTION, Self::__arguments(), inputs, Self::__value())
        }

        /// Runs the function for each input like `map`, and discards the values.
        ///
        /// # Errors
        /// Returns the first error, which cancels the running calls.
        #conditions
        #visibility fn for_each(inputs: impl #private::IntoIterator<Item = #input>) -> #result<()> {
            #private::for_each(Self::map(inputs))
        }
    }
}

fn asynchronous(item: &Item, names: &Names, over: &Over) -> TokenStream {
    let (conditions, visibility) = (item.attributes.signature(), &item.visibility);
    let (private, result, value) = (&names.private, &names.result, value_type(item, names));
    let stream = &names.stream;
    let Over {
        tuple,
        input,
        tuples,
        ..
    } = over;
    let send = quote!(#private::Send + 'static);
    quote! {
        /// Runs the function for each input, several at once, in sandboxes that stay. Returns the values
        /// in the order of the inputs. An input is the argument, or a tuple of several arguments.
        #conditions
        #visibility fn map(
            inputs: impl #private::IntoIterator<Item = #input, IntoIter: #send>
        ) -> #stream<#value> {
            #private::map_async(Self::__FUNCTION, Self::__arguments(), #tuples, Self::__value())
        }

        /// Runs the function for each input like `map`; an input is always a tuple of the arguments.
        #conditions
        #visibility fn starmap(
            inputs: impl #private::IntoIterator<Item = #tuple, IntoIter: #send>
        ) -> #stream<#value> {
            let inputs = #private::IntoIterator::into_iter(inputs);
            #private::map_async(Self::__FUNCTION, Self::__arguments(), inputs, Self::__value())
        }

        /// Runs the function for each input like `map`, and discards the values.
        ///
        /// # Errors
        /// Returns the first error, which cancels the running calls.
        #conditions
        #visibility async fn for_each(
            inputs: impl #private::IntoIterator<Item = #input, IntoIter: #send>
        ) -> #result<()> {
            #private::for_each_async(Self::map(inputs)).await
        }
    }
}

fn spawned(item: &Item, names: &Names, over: &Over) -> TokenStream {
    let (conditions, visibility) = (item.attributes.signature(), &item.visibility);
    let (private, result, value) = (&names.private, &names.result, value_type(item, names));
    let call = &names.call_type;
    let Over { input, tuples, .. } = over;
    let parameters = parameters(item);
    let arguments = item.arguments().into_iter().map(|argument| argument.name);
    quote! {
        /// Starts a call of the function without waiting for it.
        ///
        /// # Errors
        /// If the call can't be started.
        #conditions
        #visibility fn spawn(#parameters) -> #result<#call<#value>> {
            let arguments = (#(#arguments,)*);
            #private::spawn(Self::__FUNCTION, Self::__arguments(), arguments, Self::__value())
        }

        /// Starts a call of the function for each input without waiting. The value of the call is a list
        /// of their values, in the order of the inputs.
        ///
        /// # Errors
        /// If the call can't be started.
        #conditions
        #visibility fn spawn_map(
            inputs: impl #private::IntoIterator<Item = #input, IntoIter: #private::Send + 'static>
        ) -> #result<#call<#private::Vec<#value>>> {
            #private::spawn_map(Self::__FUNCTION, Self::__arguments(), #tuples, Self::__value())
        }
    }
}
