//! Paths that the expansion may name outside the user's own code.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Path;

/// Paths, all below the crate `stub`, so that neither a shadowed prelude nor a renamed `core` can
/// change what the expansion means.
pub(crate) struct Names {
    /// `stub::Result`.
    pub(crate) result: TokenStream,
    /// `stub::Map`.
    pub(crate) map: TokenStream,
    /// `stub::Stream`.
    pub(crate) stream: TokenStream,
    /// `stub::Values`.
    pub(crate) values: TokenStream,
    /// `stub::Call`.
    pub(crate) call_type: TokenStream,
    /// `stub::__private`, which has everything else.
    pub(crate) private: TokenStream,
}

impl Names {
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        let krate = krate.map_or_else(|| quote!(::stub), |path| quote!(#path));
        Self {
            result: quote!(#krate::Result),
            map: quote!(#krate::Map),
            stream: quote!(#krate::Stream),
            values: quote!(#krate::Values),
            call_type: quote!(#krate::Call),
            private: quote!(#krate::__private),
        }
    }
}

macro_rules! private {
    ($($(#[$doc:meta])* $name:ident => $path:ident;)+) => {
        impl Names {
            $(
                $(#[$doc])*
                pub(crate) fn $name(&self) -> TokenStream {
                    let private = &self.private;
                    quote!(#private::$path)
                }
            )+
        }
    };
}

private! {
    argument => argument;
    block_on => block_on;
    call => call;
    call_async => call_async;
    call_iterator => call_iterator;
    call_stream => call_stream;
    codec => Codec;
    decode => decode;
    encode => encode;
    fallible => Fallible;
    function => Function;
    functions => FUNCTIONS;
    kind => Kind;
    linkme => linkme;
    options => Options;
    secrets => secrets;
    value => value;
    volumes => volumes;
}
