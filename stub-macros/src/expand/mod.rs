//! Expansion of the attribute. It can't fail: the checks have found every possible error.
//!
//! ```text
//! // Input
//! #[stub::function(volumes = <"/data" => bucket()>)]
//! fn f(name: String) -> io::Result<u64> { body }
//!
//! // Output
//! fn f(name: String) -> stub::Result<<io::Result<u64> as Fallible>::Value> { f::remote(name) }
//! struct f {}
//! impl f {
//!     fn remote(name: String) -> stub::Result<…> {
//!         call(f::__FUNCTION, f::__arguments(), (name,), f::__value())
//!     }
//!     fn local(name: String) -> io::Result<u64> { body }
//!     fn map(inputs: impl IntoIterator<…>) -> stub::Map<…> { … } // starmap, for_each, spawn, spawn_map
//!     fn __arguments() -> (Codec<String>,) { (argument::<String>(),) }
//!     fn __value() -> Codec<…> { value() }
//!     const __FUNCTION: &'static Function = { static … : Function = Function { … }; &… };
//! }
//! ```
//!
//! A function lives in the namespace of values and a braced struct in that of types, so both may
//! have one name, and no local variable called `f` is shadowed by either. The user's expressions
//! are evaluated in closures: no name of ours is in their scope save the registered static's.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::args::Args;
use crate::item::{Item, Returns};
use crate::names::Names;

mod many;

/// Expands the attribute on a function.
pub(crate) fn function(args: &Args, item: &Item) -> TokenStream {
    let names = Names::new(args.krate.as_ref());
    let namespace = namespace_decl(item);
    let members = [
        remote_decl(item, &names),
        local_decl(item),
        many::decls(item, &names),
        arguments_decl(item, &names),
        value_decl(item, &names),
        registration_decl(args, item, &names),
    ];
    let callable = callable_decl(item, &names);
    let (conditions, allowed) = (item.attributes.conditions(), allowed());
    let name = quiet(item.name());
    quote! {
        #callable
        #namespace
        #conditions
        #allowed
        impl #name {
            #(#members)*
        }
    }
}

/// Declares the function itself.
fn callable_decl(item: &Item, names: &Names) -> TokenStream {
    let attributes = item.attributes.outside();
    let Item {
        visibility,
        signature,
        ..
    } = item;
    let (name, path) = (&signature.ident, quiet(&signature.ident));
    let (parameters, output) = (parameters(item), output(item, names));
    let arguments = item.arguments().into_iter().map(|argument| argument.name);
    let (asyncness, wait) = (&signature.asyncness, wait(item));
    quote! {
        #attributes
        #visibility #asyncness fn #name(#parameters) -> #output {
            #path::remote(#(#arguments),*) #wait
        }
    }
}

/// Declares the braced struct of the same name.
pub(crate) fn namespace_decl(item: &Item) -> TokenStream {
    let (conditions, visibility) = (item.attributes.conditions(), &item.visibility);
    let (name, allowed) = (quiet(item.name()), allowed());
    let doc = format!("Other ways to run the function `{}`.", item.name());
    quote! {
        #[doc = #doc]
        #conditions
        #allowed
        #visibility struct #name {}
    }
}

/// Declares `f::remote`.
fn remote_decl(item: &Item, names: &Names) -> TokenStream {
    let attributes = item.attributes.signature();
    let Item {
        visibility,
        signature,
        ..
    } = item;
    let (parameters, output) = (parameters(item), output(item, names));
    let asyncness = &signature.asyncness;
    let (call, wait) = match item.returns() {
        Returns::Iterator(_) if !item.is_async() => (names.call_iterator(), None),
        Returns::Iterator(_) | Returns::Stream(_) => (names.call_stream(), None),
        _ if item.is_async() => (names.call_async(), wait(item)),
        _ => (names.call(), None),
    };
    let arguments = item.arguments().into_iter().map(|argument| argument.name);
    let doc = format!(
        "Runs `{}` in its sandbox: the same as calling it.",
        item.name()
    );
    quote! {
        #[doc = #doc]
        ///
        /// # Errors
        /// Errors of the call, and the function's own.
        #attributes
        #visibility #asyncness fn remote(#parameters) -> #output {
            #call(Self::__FUNCTION, Self::__arguments(), (#(#arguments,)*), Self::__value()) #wait
        }
    }
}

/// Declares `f::local`, the function as written.
fn local_decl(item: &Item) -> TokenStream {
    let attributes = item.attributes.body();
    let Item {
        visibility,
        signature,
        body,
        ..
    } = item;
    let mut signature = signature.clone();
    signature.ident = Ident::new("local", Span::mixed_site().located_at(item.name().span()));
    quote! {
        /// Runs the body in this process, without its volumes, secrets and timeout.
        // An argument has to be owned, whatever the body does with it.
        #[allow(clippy::needless_pass_by_value)]
        #attributes
        #visibility #signature #body
    }
}

/// Declares the codecs of the arguments, the only place that requires their types to be serialisable.
fn arguments_decl(item: &Item, names: &Names) -> TokenStream {
    let (argument, codec) = (names.argument(), names.codec());
    let arguments = item.arguments();
    let types: Vec<_> = arguments.iter().map(|argument| argument.ty).collect();
    let codecs = types
        .iter()
        .map(|ty| quote_spanned!(ty.span()=> #argument::<#ty>()));
    quote! {
        fn __arguments() -> (#(#codec<#types>,)*) {
            (#(#codecs,)*)
        }
    }
}

/// Declares the codec of the value, the only place that requires its type to be serialisable.
fn value_decl(item: &Item, names: &Names) -> TokenStream {
    let (codec, value, ty) = (names.codec(), names.value(), value_type(item, names));
    let make = match item.returns() {
        Returns::Unit => quote!(#value::<()>()),
        Returns::Value(at) | Returns::Result(at) | Returns::Iterator(at) | Returns::Stream(at) => {
            quote_spanned!(at.span()=> #value::<#ty>())
        }
    };
    quote! {
        fn __value() -> #codec<#ty> {
            #make
        }
    }
}

/// Returns the type that is sent back to the caller.
fn value_type(item: &Item, names: &Names) -> TokenStream {
    match item.returns() {
        Returns::Unit => quote!(()),
        Returns::Value(ty) | Returns::Iterator(ty) | Returns::Stream(ty) => quote!(#ty),
        Returns::Result(ty) => {
            let fallible = names.fallible();
            quote_spanned!(ty.span()=> <#ty as #fallible>::Value)
        }
    }
}

/// Declares the registration by which the other process finds the function.
fn registration_decl(args: &Args, item: &Item, names: &Names) -> TokenStream {
    let (function, functions, linkme) = (names.function(), names.functions(), names.linkme());
    let private = &names.private;
    let identifier = item.name().unraw().to_string();
    let name = match &args.name {
        Some(name) => name.value(),
        None => identifier.clone(),
    };
    let line =
        quote_spanned!(item.name().span().resolved_at(Span::call_site())=> #private::line!());
    let (volumes, secrets) = (volumes(args, names), secrets(args, names));
    let (options, invoke) = (options(args, names), invoke(item, names));
    let iterates = matches!(item.returns(), Returns::Iterator(_) | Returns::Stream(_));
    let (documentation, own) = (item.attributes.documentation(), quiet(item.name()));
    let parameters = item.arguments().into_iter().map(|argument| {
        let (name, ty) = (argument.name.unraw().to_string(), shown(argument.ty));
        quote!(#private::Parameter { name: #name, ty: #ty })
    });
    quote! {
        const __FUNCTION: &'static #function = {
            #[#linkme::distributed_slice(#functions)]
            #[linkme(crate = #linkme)]
            static __STUB_FUNCTION: #function = #function {
                name: #name,
                identifier: #identifier,
                module: #private::module_path!(),
                location: (#private::file!(), #line),
                documentation: #documentation,
                parameters: &[#(#parameters),*],
                parse: |given| #private::parse(#own::__arguments(), given),
                show: |payload| #private::show(payload, #own::__value()),
                iterates: #iterates,
                volumes: #volumes,
                secrets: #secrets,
                options: #options,
                invoke: #invoke,
            };
            &__STUB_FUNCTION
        };
    }
}

fn volumes(args: &Args, names: &Names) -> TokenStream {
    let volumes = names.volumes();
    let entries = args.volumes.iter().map(|volume| {
        let (path, mount) = (&volume.key, &volume.value);
        quote!((#path, #mount))
    });
    quote!(|| #volumes([#(#entries),*]))
}

fn secrets(args: &Args, names: &Names) -> TokenStream {
    let (secrets, private) = (names.secrets(), &names.private);
    let entries = args
        .secrets
        .iter()
        .map(|secret| quote_spanned!(secret.span()=> #private::secret(#secret)));
    quote!(|| #secrets([#(#entries),*]))
}

fn options(args: &Args, names: &Names) -> TokenStream {
    let options = names.options();
    let env = args.env.iter().map(|variable| {
        let (name, value) = (&variable.key, &variable.value);
        quote_spanned!(value.span()=> .env(#name, #value))
    });
    let plain = args.plain.iter().map(|option| {
        let (name, value) = (&option.name, &option.value);
        // The method is ours, whatever the attribute's tokens were made by.
        let name = Ident::new(&name.to_string(), value.span());
        quote_spanned!(value.span()=> .#name(#value))
    });
    quote!(|| #options::new() #(#env)* #(#plain)*)
}

/// Decodes the arguments, runs the body, and encodes the value.
fn invoke(item: &Item, names: &Names) -> TokenStream {
    let (decode, private) = (names.decode(), &names.private);
    let name = quiet(item.name());
    let arguments = item.arguments();
    let patterns = arguments.iter().map(|argument| &argument.name);
    let passed = arguments.iter().map(|argument| &argument.name);
    let wait = wait(item);
    let run = quote!(#name::local(#(#passed),*) #wait);
    let encoded = encoded(item, names, run, &name);
    quote! {
        |payload, emit| match #decode(payload, #name::__arguments()) {
            #private::Result::Ok((#(#patterns,)*)) => {
                #encoded
            }
            #private::Result::Err(error) => #private::Result::Err(error),
        }
    }
}

fn encoded(item: &Item, names: &Names, run: TokenStream, name: &Ident) -> TokenStream {
    let block_on = names.block_on();
    let one_by_one = matches!(item.returns(), Returns::Iterator(_) | Returns::Stream(_));
    let run = if item.is_async() && !one_by_one {
        quote!(#block_on(async move { #run }))
    } else {
        run
    };
    let (encode, fallible, kind, private) = (
        names.encode(),
        names.fallible(),
        names.kind(),
        &names.private,
    );
    match item.returns() {
        Returns::Unit | Returns::Value(_) => {
            quote!({ let _ = emit; #encode(#run, #name::__value()) })
        }
        Returns::Iterator(_) if item.is_async() => quote! {
            #private::block_on_then(
                async move { #run },
                |values| #private::emit_all(values, #name::__value(), emit)
            )
        },
        Returns::Iterator(_) => quote!(#private::emit_all(#run, #name::__value(), emit)),
        // It may want the runtime also where it is made.
        Returns::Stream(_) => quote! {
            #block_on(async move { #private::emit_stream(#run, #name::__value(), emit).await })
        },
        Returns::Result(ty) => {
            let failed = quote_spanned!(ty.span()=> (&&&#kind::of(&error)).kind().failed(error));
            quote! {
                let _ = emit;
                match #fallible::into_result(#run) {
                    #private::Result::Ok(value) => #encode(value, #name::__value()),
                    #private::Result::Err(error) => {
                        use #private::{ByBox as _, BySyncBox as _, ByText as _};
                        #private::Result::Err(#failed)
                    }
                }
            }
        }
    }
}

/// Returns the parameters as the caller passes them.
pub(crate) fn parameters(item: &Item) -> TokenStream {
    let parameters = item.arguments().into_iter().map(|argument| {
        let (name, ty) = (argument.name, argument.ty);
        quote!(#name: #ty)
    });
    quote!(#(#parameters),*)
}

/// Returns the type that the caller gets.
pub(crate) fn output(item: &Item, names: &Names) -> TokenStream {
    let (result, value) = (&names.result, value_type(item, names));
    match item.returns() {
        Returns::Unit => quote!(#result<#value>),
        Returns::Value(ty) | Returns::Result(ty) => {
            quote_spanned!(ty.span()=> #result<#value>)
        }
        Returns::Iterator(_) if !item.is_async() => {
            let values = &names.values;
            quote!(#values<#value>)
        }
        Returns::Iterator(_) | Returns::Stream(_) => {
            let stream = &names.stream;
            quote!(#stream<#value>)
        }
    }
}

/// Formats a type as written by hand.
fn shown(ty: &Type) -> String {
    let mut text = quote!(#ty).to_string();
    for (spaced, plain) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        (" ;", ";"),
    ] {
        text = text.replace(spaced, plain);
    }
    text
}

fn wait(item: &Item) -> Option<TokenStream> {
    item.is_async().then(|| quote!(.await))
}

/// Allows lints for generated items: they have the function's name, which is no type's, and may be
/// unused.
fn allowed() -> TokenStream {
    quote!(#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic)])
}

/// Returns the function's name, resolved at the user's code but without lints there.
pub(crate) fn quiet(name: &Ident) -> Ident {
    let mut quiet = name.clone();
    quiet.set_span(Span::mixed_site().located_at(name.span()));
    quiet
}
