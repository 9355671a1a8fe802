//! Types that can't leave the process, as far as their tokens show it. The bounds in the expansion find
//! the others.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Lifetime, Type, TypeImplTrait, TypeReference};

use crate::diagnostic::on;
use crate::item::Returns;

/// Returns the errors in an argument's type.
pub(super) fn argument(ty: &Type) -> Vec<syn::Error> {
    find(ty, "an argument", "take")
}

/// Returns the errors in the return type.
pub(super) fn returned(returns: &Returns) -> Vec<syn::Error> {
    match returns {
        Returns::Unit => Vec::new(),
        Returns::Value(ty) | Returns::Iterator(ty) | Returns::Stream(ty) => {
            find(ty, "the value", "return")
        }
        // Its error may borrow what is static, and an alias hides which argument is the error.
        Returns::Result(ty) => {
            let mut finder = Finder {
                borrowing: true,
                ..Finder::new("the value", "return")
            };
            finder.visit_type(ty);
            finder.found
        }
    }
}

fn find(ty: &Type, subject: &'static str, verb: &'static str) -> Vec<syn::Error> {
    let mut finder = Finder::new(subject, verb);
    finder.visit_type(ty);
    finder.found
}

struct Finder {
    subject: &'static str,
    verb: &'static str,
    /// Allows borrowed types.
    borrowing: bool,
    found: Vec<syn::Error>,
}

impl Finder {
    fn new(subject: &'static str, verb: &'static str) -> Self {
        Self {
            subject,
            verb,
            borrowing: false,
            found: Vec::new(),
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        let Self {
            subject,
            verb,
            found,
            borrowing,
        } = self;
        if *borrowing {
            return;
        }
        found.push(on(
            reference,
            format!("{subject} of a stub function can't be borrowed: it crosses between processes"),
            format!("{verb} `{}`", owned(reference)),
        ));
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        let Self {
            subject,
            verb,
            found,
            borrowing,
        } = self;
        if lifetime.ident == "_" && !*borrowing {
            found.push(on(
                lifetime,
                format!(
                    "{subject} of a stub function can't be borrowed: it crosses between processes"
                ),
                format!("{verb} an owned type, or write `'static`"),
            ));
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        let Self {
            subject,
            verb,
            found,
            ..
        } = self;
        found.push(on(
            ty,
            format!("{subject} of a stub function can't be `impl Trait`: the other process must know its type"),
            format!("{verb} a concrete type"),
        ));
    }

    /// Skips function pointers: they can't be serialised anyway, whatever their argument types.
    fn visit_type(&mut self, ty: &'ast Type) {
        if !matches!(ty, Type::BareFn(_)) {
            visit::visit_type(self, ty);
        }
    }
}

/// Returns the owned type to use instead of a borrowed one.
fn owned(reference: &TypeReference) -> String {
    match &*reference.elem {
        Type::Slice(slice) => format!("Vec<{}>", text(&slice.elem)),
        other => match text(other).as_str() {
            "str" => "String".to_owned(),
            path if path.ends_with("OsStr") => path.replace("OsStr", "OsString"),
            path if path.ends_with("Path") => path.replace("Path", "PathBuf"),
            path => path.to_owned(),
        },
    }
}

fn text(tokens: impl ToTokens) -> String {
    tokens
        .to_token_stream()
        .to_string()
        .replace(" :: ", "::")
        .replace(' ', "")
}
