//! The associated functions that call a function many times, or beside the caller.

use proc_macro2::TokenStream;
use quote::quote;

use super::{parameters, value_type};
use crate::item::{Item, Returns};
use crate::names::Names;

/// `f::map`, `f::starmap`, `f::for_each`, `f::spawn` and `f::spawn_map`.
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

/// What a function is mapped over.
struct Over {
    is_async: bool,
    /// The arguments as a tuple.
    tuple: TokenStream,
    /// What an input is: the argument if there is one, else the tuple.
    input: TokenStream,
    /// `inputs`, as an iterator of tuples.
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
        /// Runs it for each input, several at once, in sandboxes that stay. The values come in the order of
        /// the inputs. An input is the argument, or of several arguments a tuple.
        #conditions
        #visibility fn map<'__inputs>(
            inputs: impl #private::IntoIterator<Item = #input, IntoIter: '__inputs>
        ) -> #map_type<'__inputs, #value> {
            #private::map(Self::__FUNCTION, Self::__arguments(), #tuples, Self::__value())
        }

        /// As `map`; an input is a tuple of the arguments, however many there are.
        #conditions
        #visibility fn starmap<'__inputs>(
            inputs: impl #private::IntoIterator<Item = #tuple, IntoIter: '__inputs>
        ) -> #map_type<'__inputs, #value> {
            let inputs = #private::IntoIterator::into_iter(inputs);
            #private::map(Self::__FUNCTION, Self::__arguments(), inputs, Self::__value())
        }

        /// As `map`, without the values.
        ///
        /// # Errors
        /// The first one, which ends what is being run.
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
        /// Runs it for each input, several at once, in sandboxes that stay. The values come in the order of
        /// the inputs. An input is the argument, or of several arguments a tuple.
        #conditions
        #visibility fn map(
            inputs: impl #private::IntoIterator<Item = #input, IntoIter: #send>
        ) -> #stream<#value> {
            #private::map_async(Self::__FUNCTION, Self::__arguments(), #tuples, Self::__value())
        }

        /// As `map`; an input is a tuple of the arguments, however many there are.
        #conditions
        #visibility fn starmap(
            inputs: impl #private::IntoIterator<Item = #tuple, IntoIter: #send>
        ) -> #stream<#value> {
            let inputs = #private::IntoIterator::into_iter(inputs);
            #private::map_async(Self::__FUNCTION, Self::__arguments(), inputs, Self::__value())
        }

        /// As `map`, without the values.
        ///
        /// # Errors
        /// The first one, which ends what is being run.
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
        /// Begins to run it, and doesn't wait.
        ///
        /// # Errors
        /// It can't begin.
        #conditions
        #visibility fn spawn(#parameters) -> #result<#call<#value>> {
            let arguments = (#(#arguments,)*);
            #private::spawn(Self::__FUNCTION, Self::__arguments(), arguments, Self::__value())
        }

        /// Begins to run it for each input, and doesn't wait. The call's value has all of theirs, in the order of
        /// the inputs.
        ///
        /// # Errors
        /// It can't begin.
        #conditions
        #visibility fn spawn_map(
            inputs: impl #private::IntoIterator<Item = #input, IntoIter: #private::Send + 'static>
        ) -> #result<#call<#private::Vec<#value>>> {
            #private::spawn_map(Self::__FUNCTION, Self::__arguments(), #tuples, Self::__value())
        }
    }
}
