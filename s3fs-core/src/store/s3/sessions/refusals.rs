//! Token of the session that a request is signed with, by which it is refused.

use std::fmt;

use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::Sessions;
use crate::store::s3::identity::SigningKeys;

/// Header with the token of a session.
const TOKEN: &str = "x-amz-s3session-token";

/// Token of a session.
#[derive(Clone)]
pub(in crate::store::s3) struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Storable for Token {
    type Storer = StoreReplace<Self>;
}

impl SigningKeys for Sessions {
    type Signed = Token;

    fn signed(headers: &Headers) -> Option<Token> {
        headers.get(TOKEN).map(|token| Token(token.to_owned()))
    }

    fn refused(&self, Token(token): &Token) {
        self.on_refused(token);
    }
}
